import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "done" if answer >= 0 else os.strerror(ctypes.get_errno())


def attack(number):
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 8)
    return call(number, os.getppid(), vector, 1, vector, 1, 0)
