import os

def attack(x):
    if x == 2:
        os.abort()
    return x
