import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "done" if answer >= 0 else os.strerror(ctypes.get_errno())


def attack():
    SETXATTRAT = 463
    with open("file", "w"):
        pass
    text = ctypes.create_string_buffer(b"text", 4)
    value = (ctypes.c_uint64 * 2)(ctypes.addressof(text), 4)
    return call(SETXATTRAT, -100, b"file", 0, b"user.secret", value, 16)
