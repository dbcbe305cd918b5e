import ctypes, os

def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    pid = libc.fork()
    if pid == 0:
        os._exit(0)
    return "forked" if pid > 0 else os.strerror(ctypes.get_errno())
