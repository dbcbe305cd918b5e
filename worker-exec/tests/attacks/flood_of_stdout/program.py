import os

def attack(x):
    for _ in range(20000 if x == 2 else 0):
        print("y" * 1000)
    for _ in range(300 if x == 2 else 0):
        os.write(1, b"w" * 65536)
    return x
