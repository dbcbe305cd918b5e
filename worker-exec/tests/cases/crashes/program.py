import ctypes, os, sys

def attack(x):
    if x == 0:
        ctypes.string_at(0)
    if x == 1:
        os.abort()
    if x == 2:
        os.kill(os.getpid(), 9)
    if x == 3:
        return attack(x)
    return "alive"
