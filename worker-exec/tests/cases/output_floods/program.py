import os, sys

def attack(x):
    if x == 1:
        return "x" * 100000
    if x == 2:
        for _ in range(2000):
            print("y" * 1000)
            sys.stderr.write("z" * 1000)
            os.write(1, b"w" * 1000)
    return list(range(x))
