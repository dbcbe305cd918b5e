import os

def attack(path):
    os.utime(path or os.__file__, (1, 1))
    os.chmod(path or os.__file__, 0o666)
    return "changed"
