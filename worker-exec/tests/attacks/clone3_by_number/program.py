import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "done" if answer >= 0 else os.strerror(ctypes.get_errno())


def attack():
    SIGCHLD, CLONE3 = 17, 435
    arguments = (ctypes.c_uint64 * 11)(0, 0, 0, 0, SIGCHLD)
    parent = os.getpid()
    answer = call(CLONE3, arguments, 88)
    if os.getpid() != parent:
        os._exit(0)
    return answer
