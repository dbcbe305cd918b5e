import os

def attack(path):
    with open(path, "wb") as file:
        while True:
            file.write(b"x" * (1 << 20))
