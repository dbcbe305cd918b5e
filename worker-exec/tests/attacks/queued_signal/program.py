import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "done" if answer >= 0 else os.strerror(ctypes.get_errno())


def attack(number):
    if number == 424:
        return call(number, os.pidfd_open(os.getppid()), 0, 0, 0)
    information = (ctypes.c_int * 32)(0, 0, -1)
    return call(number, os.getppid(), 0, information)
