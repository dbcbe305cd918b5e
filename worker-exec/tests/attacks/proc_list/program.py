import os

def attack():
    return "1" in os.listdir("/proc")
