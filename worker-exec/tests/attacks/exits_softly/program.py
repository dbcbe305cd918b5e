import sys

def attack(x):
    if x == 1:
        sys.exit("bye")
    if x == 2:
        raise KeyboardInterrupt
    raise GeneratorExit
