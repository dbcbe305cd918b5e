import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "done" if answer >= 0 else os.strerror(ctypes.get_errno())


def attack():
    return [call(number, *arguments) for number, arguments in ((283, (1, 0)), (290, (7, 0)), (291, (0,)), (22, ((ctypes.c_int * 2)(),)))]
