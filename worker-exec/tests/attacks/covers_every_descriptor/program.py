import os

def attack(x):
    if x == 2:
        null = os.open("/dev/null", os.O_RDWR)
        for fd in range(64):
            os.dup2(null, fd)
    return x
