import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    answer = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments])
    return "done" if answer >= 0 else os.strerror(ctypes.get_errno())


def attack():
    ATTACH, DETACH = 16, 17
    answer = call(101, ATTACH, os.getppid(), 0, 0)
    if answer == "done":
        os.waitpid(os.getppid(), 0x40000000)
        call(101, DETACH, os.getppid(), 0, 0)
    return answer
