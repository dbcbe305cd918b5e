import os, signal

def attack():
    os.killpg(0, signal.SIGKILL)
