import os, signal

def attack(x):
    if x == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return x
