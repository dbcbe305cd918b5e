import ctypes

def attack(x):
    if x == 2:
        ctypes.string_at(0)
    return x
