# What stands between a program and everything else. The runner gives up at once what it does not need itself, and its
# children inherit that; each child gives up the rest before it reads its job. Limits of CPU time, memory, files and
# descriptors were set by sandbox-init when it started the runner.

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
SIGCHLD, CLONE_PARENT, CLONE_NEWPID = 17, 0x8000, 0x20000000
SECCOMP_SET_MODE_FILTER, SPEC_ALLOW = 1, 4  # no slower branches for the sake of the filter
RLIMIT_NPROC = 6
S_IFMT, S_IFDIR = 0o170000, 0o040000
MAX_FILES = 64


class Kernel:
    """System calls that Python has no name for. Everything is allocated before the first fork."""

    def __init__(self, options):
        libc = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter lock: a fork must come back holding it
        self.syscall, self.prctl = libc.syscall, libc.prctl
        self.syscall.restype = ctypes.c_long
        trim = getattr(libc, "malloc_trim", None)  # glibc's
        self.trim = (lambda: trim(0)) if trim else (lambda: None)
        long = ctypes.c_long
        calls = dict(call.split(":") for call in options["calls"].split(","))
        self.number = {name: long(int(number)) for name, number in calls.items()}
        self.zero, self.one = long(0), long(1)
        flags = SIGCHLD | CLONE_PARENT | (CLONE_NEWPID if options["pid_namespace"] else 0)
        self.fork = (self.number["clone"], long(flags), self.zero, self.zero, self.zero, self.zero)
        self.one_process = (self.number["prlimit64"], self.zero, long(RLIMIT_NPROC), (ctypes.c_uint64 * 2)(1, 1), None)
        self.no_capabilities = (self.number["capset"], (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
        self.last_filter = self.filter(options["last_filter"])

    def call(self, *arguments):
        answer = self.syscall(*arguments)
        if answer < 0:
            raise OSError(ctypes.get_errno(), posix.strerror(ctypes.get_errno()))
        return answer

    def filter(self, code):
        """The call that installs a filter, which stands there as hexadecimal digits."""
        code = bytes.fromhex(code)
        kept = ctypes.create_string_buffer(code, len(code))
        program = ctypes.create_string_buffer(16)
        ctypes.c_uint16.from_buffer(program).value = len(code) // 8
        ctypes.c_void_p.from_buffer(program, 8).value = ctypes.addressof(kept)
        program.kept = kept
        return self.number["seccomp"], ctypes.c_long(SECCOMP_SET_MODE_FILTER), ctypes.c_long(SPEC_ALLOW), program

    def landlock(self, scratch):
        """Lets this process and its children read the interpreter's files, write to the scratch folder, and nothing
        else. False where the kernel has no Landlock."""
        long = ctypes.c_long
        version = self.syscall(long(LANDLOCK_CREATE), None, long(0), long(1))
        if version < 1:
            return False
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
            return False
        readable = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", sys.base_prefix, sys.base_exec_prefix, *sys.path]
        rules = [(path, read | folder) for path in readable]
        rules += [(path, read | write) for path in ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")]
        special = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | execute | device  # devices, sockets, FIFOs
        rules.append((scratch, files & ~special))
        for path, access in rules:
            try:
                where = posix.open(path, posix.O_PATH | posix.O_CLOEXEC)
            except OSError:
                continue
            if posix.fstat(where).st_mode & S_IFMT != S_IFDIR:
                access &= execute | write | read
            rule = ctypes.create_string_buffer(12)
            ctypes.c_uint64.from_buffer(rule).value = access
            rule[8:12] = where.to_bytes(4, sys.byteorder)
            self.call(long(LANDLOCK_ADD), long(ruleset), long(1), rule, long(0))
            posix.close(where)
        self.call(long(LANDLOCK_RESTRICT), long(ruleset), self.zero)
        posix.close(ruleset)
        return True


def give_up_at_once(kernel, options):
    """What the runner and all its children do without. Says whether Landlock is in force."""
    if options["uids"]:
        posix.setgroups([])
    if kernel.prctl(PR_SET_NO_NEW_PRIVS, kernel.one, kernel.zero, kernel.zero, kernel.zero):
        raise OSError("no_new_privs")
    kernel.prctl(PR_SET_DUMPABLE, kernel.zero, kernel.zero, kernel.zero, kernel.zero)
    landlock = kernel.landlock(options["scratch"])
    kernel.call(*kernel.filter(options["filter"]))
    posix.dup2(1, 2)  # /dev/null: until here, errors are to be seen
    return landlock


def give_up_the_rest(kernel, job, result, uid):
    """All that stands between a fresh child and the first byte of its job, in this order."""
    posix.setsid()
    null = posix.open("/dev/null", posix.O_RDWR)
    for fd in (0, 1, 2):
        posix.dup2(null, fd)  # of its own: flags and locks of a shared one would outlive the program
    kernel.call(*kernel.one_process)
    low, high = (job, result) if job < result else (result, job)
    posix.closerange(3, low)
    posix.closerange(low + 1, high)
    posix.closerange(high + 1, MAX_FILES)
    if uid:
        posix.setresgid(uid, uid, uid)
        posix.setresuid(uid, uid, uid)  # what it inherits it can no longer dump or trace either
    else:
        kernel.call(*kernel.no_capabilities)
    start_timer()
    kernel.call(*kernel.last_filter)


