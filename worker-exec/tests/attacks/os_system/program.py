import os

def attack():
    return os.system("touch /tmp/os-system-was-here")
