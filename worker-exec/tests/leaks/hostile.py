import atexit, builtins, codecs, copyreg, ctypes, decimal, fcntl, functools, gc, json, locale, mmap, os, random, re
import resource, _signal as signal, _socket as socket, sys, time, warnings
# `signal` and `socket` themselves take longer to load than all this to run.

SECRET = "SECRET-NUMBER"


@functools.lru_cache(None)
def remembered(text):
    return text + "!"


def everything(secret):
    """Each way of leaving a text behind, or a state that is not the one found."""
    libc, data = ctypes.CDLL(None), secret.encode()
    number = int(secret[-6:])
    # Files, and what stands for them.
    for folder in (".", "/tmp", "/scratch", "/dev/shm", "/dev/mqueue", "/var/tmp", "/", os.path.dirname(os.__file__)):
        for name in (secret, "colorsys.py", "sitecustomize.py"):
            yield lambda: open(os.path.join(folder, name), "w").write(secret)
    yield lambda: os.makedirs(secret + "/inside")
    yield lambda: os.chmod(secret + "/inside", 0)
    yield lambda: os.symlink(secret, "link")
    yield lambda: os.mkfifo("fifo")
    yield lambda: os.setxattr(".", "user.secret", data)
    yield lambda: os.utime(".", (number, number))
    yield lambda: os.utime(os.__file__, (number, number))
    yield lambda: os.chmod(".", 0o100)
    # What the kernel keeps.
    yield lambda: libc.shmget(number, 4096, 0o1666)
    yield lambda: libc.mq_open(b"/" + data, os.O_CREAT | os.O_RDWR, 0o600, None)
    yield lambda: libc.sem_open(b"/" + data, os.O_CREAT, 0o600, 1)
    yield lambda: libc.syscall(248, b"user", b"key", data, len(data), -4)
    yield lambda: libc.prctl(15, data, 0, 0, 0)
    yield lambda: os.write(os.memfd_create(secret), data)
    yield lambda: os.write(os.pipe()[1], data)
    yield lambda: socket.socketpair()[0].send(data)
    yield lambda: socket.socket(socket.AF_UNIX).bind("\0" + secret)
    yield lambda: mmap.mmap(-1, 4096).write(data)
    for fd in (0, 1, 2):
        yield lambda: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)
        yield lambda: fcntl.fcntl(fd, 10, 1 + number % 60)  # F_SETSIG
        yield lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    yield lambda: fcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
    # The process.
    yield lambda: os.environ.update(SECRET=secret, TZ="SECRET-5", PYTHONPATH=secret, LC_ALL="de_DE")
    yield lambda: time.tzset()
    yield lambda: os.umask(0o777)
    yield lambda: os.chdir("/usr")
    yield lambda: os.nice(1)
    yield lambda: os.sched_setaffinity(0, {0})
    yield lambda: locale.setlocale(locale.LC_ALL, "C")
    for each in range(1, 32):
        yield lambda: signal.signal(each, lambda *_: secret)
    yield lambda: signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
    # The interpreter.
    for module in (builtins, ctypes, decimal, json, os, random, re, sys, time):
        yield lambda: setattr(module, "secret", secret)
    for module, name in ((json, "dumps"), (builtins, "repr"), (builtins, "len"), (random, "random"), (os, "listdir")):
        yield lambda: setattr(module, name, lambda *_, **__: secret)
    yield lambda: random.seed(secret)
    yield lambda: setattr(decimal.getcontext(), "prec", 3)
    yield lambda: setattr(decimal.DefaultContext, "prec", 3)
    yield lambda: setattr(json.JSONEncoder, "item_separator", secret)
    yield lambda: sys.modules.update({secret: sys, "colorsys": json})
    yield lambda: sys.path.insert(0, secret)
    yield lambda: sys.meta_path.insert(0, secret)
    yield lambda: sys.intern(secret)
    yield lambda: sys.setrecursionlimit(5000)
    yield lambda: sys.setswitchinterval(1)
    yield lambda: sys.set_int_max_str_digits(700)
    yield lambda: re.compile(secret)
    yield lambda: remembered(secret)
    yield lambda: codecs.register(lambda _: None)
    yield lambda: copyreg.pickle(complex, lambda _: secret)
    yield lambda: warnings.simplefilter("error")
    yield lambda: atexit.register(print, secret)
    yield lambda: gc.callbacks.append(lambda *_: secret)
    yield lambda: gc.set_threshold(100000)
    yield lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))


def attack():
    done = 0
    for leave in everything(SECRET):
        try:
            leave()
            done += 1
        except BaseException:
            pass
    return done
