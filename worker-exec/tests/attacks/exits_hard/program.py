import os

def attack(x):
    if x == 2:
        os._exit(0)
    return x
