import os

def attack():
    os.kill(os.getppid(), 0)
    return "reached"
