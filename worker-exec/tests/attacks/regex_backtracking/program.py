import re

def attack(x):
    return re.match("(a+)+b", "a" * (60 if x == 2 else x))
