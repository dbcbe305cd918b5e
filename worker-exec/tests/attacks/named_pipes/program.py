import os

def attack():
    os.mkfifo("pipe")
    return "made"
