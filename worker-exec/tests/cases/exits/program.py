import os, sys

def attack(x):
    if x == 0:
        os._exit(3)
    if x == 1:
        sys.exit("bye")
    if x == 2:
        exit(4)
    if x == 3:
        raise KeyboardInterrupt
    return "alive"
