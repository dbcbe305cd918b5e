import _signal as signal, decimal, fcntl, gc, json, locale, os, random, re, resource, sys, time, warnings

# Not as one text: it would find itself.
looks_secret = re.compile("".join(("SEC", "RET-")) + r"\d{6}").search
looks_secret_raw = re.compile(b"".join((b"SEC", b"RET-")) + rb"\d{6}").search


def state():
    """All that an earlier program could have changed: the same in every sandbox of a backend."""
    folder = os.stat(".")
    names = [name for name in sorted(dir(resource)) if name.startswith("RLIMIT_")]
    limits = [resource.getrlimit(getattr(resource, name)) for name in names]
    signals = [str(signal.getsignal(each)) for each in range(1, 32)]
    descriptors = []
    for fd in range(64):
        try:
            flags = fcntl.fcntl(fd, fcntl.F_GETFL), fcntl.fcntl(fd, fcntl.F_GETFD), fcntl.fcntl(fd, 11)  # F_GETSIG
            descriptors.append((fd, *flags))
        except OSError:
            pass
    umask = os.umask(0)
    os.umask(umask)
    return (
        oct(folder.st_mode), folder.st_nlink, limits, signals, signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        descriptors, umask, os.getcwd(), os.listdir("."), os.nice(0), len(os.sched_getaffinity(0)),
        sorted(os.environ.items()),
        time.tzname, locale.setlocale(locale.LC_ALL), json.dumps([1, 2]),
        decimal.getcontext().prec, decimal.DefaultContext.prec,
        sorted(sys.modules), sys.path, len(sys.meta_path), sys.getrecursionlimit(), sys.getswitchinterval(),
        len(warnings.filters),
        len(gc.callbacks), gc.get_threshold(), gc.isenabled(), random.random(), repr(1.5), len([1]),
    )


def seen_in_files():
    folders = "/tmp", "/scratch", "/dev/shm", "/dev/mqueue", "/var/tmp", "/", "/proc/self/fd", "/proc/sysvipc"
    for folder in (".", *folders):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            if looks_secret(name):
                yield folder
            try:
                with open(os.path.join(folder, name), errors="replace") as file:
                    if looks_secret(file.read(100000)):
                        yield os.path.join(folder, name)
            except OSError:
                pass


def seen_in_descriptors():
    for fd in range(3, 64):
        try:
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
            if looks_secret_raw(os.read(fd, 1 << 16)):
                yield "descriptor %d" % fd
        except OSError:
            pass


def seen_in_objects():
    gc.unfreeze()
    for each in gc.get_objects():
        for one in gc.get_referents(each):
            kind = type(one)
            if kind is str and looks_secret(one) or kind in (bytes, bytearray) and looks_secret_raw(one):
                yield "an object in a " + type(each).__name__


def seen_in_memory():
    """The process's name, and every mapped megabyte in which an object lies, freed memory included."""
    import ctypes

    libc, name = ctypes.CDLL(None), ctypes.create_string_buffer(16)
    libc.prctl(16, name, 0, 0, 0)
    if looks_secret_raw(name.raw):
        yield "the name"
    libc.sbrk.restype = ctypes.c_void_p
    page, part = resource.getpagesize(), 1 << 20
    near = {id(each) // part for each in gc.get_objects()} | {libc.sbrk(0) // part - back for back in range(16)}
    resident = ctypes.create_string_buffer(1)
    for number in sorted(near):
        for start in range(number * part, (number + 1) * part, page):
            if libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(page), resident) == 0:
                if looks_secret_raw(ctypes.string_at(start, page)):
                    yield "memory"


def benign(x, deep):
    found = [*seen_in_files(), *seen_in_descriptors()]
    if deep:
        found += [*seen_in_objects(), *seen_in_memory()]
    return x * x + 7, found, state()
