import re

def attack(x):
    return re.match("(?:(a)|b)*c", "a" * (10**8 if x == 2 else x))
