import ctypes, os

def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sem_open.restype = ctypes.c_void_p
    return "made" if libc.sem_open(b"/left", os.O_CREAT, 0o600, 1) else "refused"
