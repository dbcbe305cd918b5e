import ctypes

def attack():
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    text = b"read-only"
    with open("/proc/self/mem", "r+b", buffering=0) as file:
        file.seek(id(text) + bytes.__basicsize__ - 1)
        file.write(b"R")
    return text
