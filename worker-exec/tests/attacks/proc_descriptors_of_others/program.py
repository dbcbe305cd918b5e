import os

def attack():
    opened = os.open("/proc/1/fd/2", os.O_WRONLY)
    return "opened"
