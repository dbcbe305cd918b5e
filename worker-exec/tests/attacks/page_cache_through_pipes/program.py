import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "done" if answer >= 0 else os.strerror(ctypes.get_errno())


def attack(how):
    reading, writing = os.pipe()
    file = os.open(os.__file__, os.O_RDONLY)
    if how == "tee":
        os.write(writing, b"12345678")
        return call(276, reading, os.pipe()[1], 8, 0)
    if how == "sendfile":
        return call(40, writing, file, None, 8)
    return call(275, file, None, writing, None, 8, 0)
