import os

def attack():
    return os.uname().nodename == "sandbox"
