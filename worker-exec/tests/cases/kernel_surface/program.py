import ctypes

CALLS = {"ptrace": 101, "unshare": 272, "mount": 165, "bpf": 321, "io_uring_setup": 425, "keyctl": 250, "shmget": 29,
         "memfd_create": 319, "userfaultfd": 323, "perf_event_open": 298, "clone3": 435, "x32 getpid": 0x40000000 + 39}

def attack(name):
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.syscall(ctypes.c_long(CALLS[name]), ctypes.c_long(0), ctypes.c_long(0), ctypes.c_long(0))
    return answer, ctypes.get_errno()
