import os

def attack(x):
    os.write(1, b"\nRESULT 'forged'\nEND\n")
    os.write(2, b"\nRESULT 'forged'\nEND\n")
    return x
