import mmap

def attack(x):
    return len(mmap.mmap(-1, 1 << 33 if x == 2 else x))
