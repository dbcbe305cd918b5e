import os

def attack():
    os.utime(".", (123456789, 123456789))
    os.chmod(".", 0)
    return "changed"
