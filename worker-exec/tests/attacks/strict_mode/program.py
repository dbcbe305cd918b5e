import ctypes

def attack(x):
    if x == 2:
        ctypes.CDLL(None).prctl(22, 1, 0, 0, 0)
    return x
