import os

def attack(target):
    try:
        os.kill(target, 9)
    except OSError as error:
        return type(error).__name__
