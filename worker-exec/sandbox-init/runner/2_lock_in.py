# What a child gives up before it reads its job.

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38
SIGCHLD, CLONE_PARENT, CLONE_NEWPID = 17, 0x8000, 0x20000000


class Kernel:
    """System calls that Python has no name for. Everything is allocated before the first fork."""

    def __init__(self, options):
        libc = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter lock: a fork must come back holding it
        self.syscall, self.prctl = libc.syscall, libc.prctl
        self.syscall.restype = ctypes.c_long
        self.nr_clone, self.nr_capset, self.nr_seccomp = map(int, options["calls"].split(","))
        self.zero = ctypes.c_long(0)
        flags = SIGCHLD | CLONE_PARENT | (CLONE_NEWPID if options["pid_namespace"] else 0)
        self.clone_arguments = [ctypes.c_long(number) for number in (self.nr_clone, flags, 0, 0, 0, 0)]
        code = bytes.fromhex(options["filter"])
        self.filter_code = ctypes.create_string_buffer(code, len(code))
        self.filter = ctypes.create_string_buffer(16)
        ctypes.c_uint16.from_buffer(self.filter).value = len(code) // 8
        ctypes.c_void_p.from_buffer(self.filter, 8).value = ctypes.addressof(self.filter_code)
        self.cap_header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        self.cap_data = (ctypes.c_uint32 * 6)()
        self.ruleset = self.landlock(options["scratch"])

    def call(self, *arguments):
        answer = self.syscall(*arguments)
        if answer < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return answer

    def landlock(self, scratch):
        """A ruleset: read the interpreter's files, write to the scratch folder, nothing else. -1 without Landlock."""
        long = ctypes.c_long
        version = self.syscall(long(LANDLOCK_CREATE), None, long(0), long(1))
        if version < 1:
            return -1
        execute, write, read, folder, truncate, device = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
        files = (1 << 13) - 1
        files |= 1 << 13 if version >= 2 else 0
        files |= truncate if version >= 3 else 0
        files |= device if version >= 5 else 0
        network = 3 if version >= 4 else 0
        scoped = 3 if version >= 6 else 0  # abstract unix sockets, signals
        attributes = (ctypes.c_uint64 * 3)(files, network, scoped)
        size = 8 if version < 4 else 16 if version < 6 else 24
        ruleset = self.syscall(long(LANDLOCK_CREATE), attributes, long(size), long(0))
        if ruleset < 0:
            return -1
        readable = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", sys.base_prefix, sys.base_exec_prefix, *sys.path]
        rules = [(path, read | folder) for path in readable]
        rules += [(path, read | write) for path in ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")]
        special = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | execute | device  # devices, sockets, FIFOs
        rules.append((scratch, files & ~special))
        for path, access in rules:
            try:
                where = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            if not os.path.isdir(path):
                access &= execute | write | read
            rule = ctypes.create_string_buffer(12)
            ctypes.c_uint64.from_buffer(rule).value = access
            rule[8:12] = where.to_bytes(4, sys.byteorder)
            self.call(long(LANDLOCK_ADD), long(ruleset), long(1), rule, long(0))
            os.close(where)
        return ruleset


def give_up_everything(kernel, options, job, result, uid):
    """All that stands between a fresh child and the first byte of its job, in this order."""
    os.setsid()
    os.dup2(1, 2)  # /dev/null
    limits = (
        (resource.RLIMIT_CPU, options["cpu_backstop_s"]),
        (resource.RLIMIT_AS, options["memory_bytes"]),
        (resource.RLIMIT_NPROC, 1),
    )
    for limit, value in limits:
        resource.setrlimit(limit, (value, value))
    kept = sorted({0, 1, 2, job, result, kernel.ruleset} - {-1})
    for low, high in zip(kept, kept[1:] + [64]):
        os.closerange(low + 1, high)
    if uid:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    else:
        kernel.call(kernel.nr_capset, kernel.cap_header, kernel.cap_data)
    one, zero = ctypes.c_long(1), kernel.zero
    if kernel.prctl(PR_SET_NO_NEW_PRIVS, one, zero, zero, zero):
        raise OSError("no_new_privs")
    kernel.prctl(PR_SET_DUMPABLE, zero, zero, zero, zero)
    if kernel.ruleset >= 0:
        kernel.call(LANDLOCK_RESTRICT, ctypes.c_long(kernel.ruleset), zero)
        os.close(kernel.ruleset)
    spec_allow = ctypes.c_long(4)  # no slower branches for the sake of the filter
    kernel.call(kernel.nr_seccomp, one, spec_allow, kernel.filter)


