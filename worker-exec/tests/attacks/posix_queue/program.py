import ctypes, os

def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    made = libc.mq_open(b"/left", os.O_CREAT | os.O_RDWR, 0o600, None)
    return "made" if made >= 0 else os.strerror(ctypes.get_errno())
