import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "done" if answer >= 0 else os.strerror(ctypes.get_errno())


def attack(older):
    program = (ctypes.c_uint64 * 1)(0x7fff000000000006)
    filter = (ctypes.c_uint64 * 2)(1, ctypes.addressof(program))
    libc.prctl(38, 1, 0, 0, 0)
    if older:
        return "done" if libc.prctl(22, 2, filter, 0, 0) == 0 else os.strerror(ctypes.get_errno())
    return call(317, 1, 0, filter)
