import ctypes, mmap, os

def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    memory = mmap.mmap(-1, 1 << 16)
    answer = libc.mlock(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory))), 1 << 16)
    return "locked" if answer == 0 else "refused"
