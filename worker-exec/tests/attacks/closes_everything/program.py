import os

def attack(x):
    if x == 2:
        os.closerange(0, 256)
        while True:
            pass
    return x
