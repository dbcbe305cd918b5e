import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "done" if answer >= 0 else os.strerror(ctypes.get_errno())


def attack():
    return [family for family in range(64) if call(41, family, 1, 0) == "done" or call(41, family, 3, 0) == "done"]
