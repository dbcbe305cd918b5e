import os, sys, warnings

def attack(x):
    for number in range(20000 if x == 2 else 0):
        sys.stderr.write("z" * 1000)
    for _ in range(300 if x == 2 else 0):
        os.write(2, b"w" * 65536)
    warnings.warn("w" * 1000)
    return x
