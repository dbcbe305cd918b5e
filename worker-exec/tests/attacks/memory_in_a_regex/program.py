import re

def attack(x):
    # Each step remembers all groups.
    return re.match("()" * 90 + "(?:(a)|b)*c", "a" * (10**8 if x == 2 else x))
