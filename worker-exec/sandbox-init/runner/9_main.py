# The loop: an order in, a child out.

class Job:
    """What `job.rs` wrote: flags, seed, indices, and three texts."""

    __slots__ = ("lines", "canonical", "careful", "reversed", "shifted", "evaluation", "seed", "order", "name", "program")
    __slots__ += ("examples",)

    def __init__(self, data):
        at = 0

        def number():
            nonlocal at
            at += 4
            return int.from_bytes(data[at - 4 : at], "little")

        def string():
            nonlocal at
            length = number()
            at += length
            return str(data[at - length : at], "utf-8")

        flags = number()
        self.lines, self.canonical = bool(flags & 1), bool(flags & 2)
        self.careful, self.reversed, self.shifted = bool(flags & 4), bool(flags & 8), bool(flags & 16)
        self.evaluation = bool(flags & 32)
        self.seed, count = number(), number()
        self.order = None if count == 0xFFFFFFFF else [number() for _ in range(count)]
        self.name, self.program, self.examples = string(), string(), string()


def read_job(job, length):
    data = posix.read(job, length)
    if len(data) < length:
        parts, missing = [data], length - len(data)  # joined once: a job may be far longer than what a pipe holds
        while missing and (part := posix.read(job, missing)):
            parts.append(part)
            missing -= len(part)
        data = b"".join(parts)
    posix.close(job)
    return Job(data)


def warm_up(run):
    """Runs harmless programs once, so that no child is the first to do so: what it allocates lazily is shared."""

    def field(text):
        return len(text).to_bytes(4, "little") + text

    for flags in (0, 3, 7):
        reader, writer = posix.pipe()
        program = field(b"f") + field(b"def f(x):\n    return [x]\n") + field(b"examples = [dict(x=1), dict(y=2)]")
        data = flags.to_bytes(4, "little") + bytes(4) + b"\xff" * 4 + program
        posix.write(writer, data)
        posix.close(writer)
        nowhere = posix.open("/dev/null", posix.O_WRONLY)
        run(read_job(reader, len(data)), nowhere)
        posix.close(nowhere)
    del sys.modules["program"], sys.modules["examples"]


def child(kernel, run, job, result, uid, length):
    leave = posix._exit
    try:
        give_up_the_rest(kernel, job, result, uid)
    except BaseException as error:
        text = ("%s: %s" % (type(error).__name__, error)).encode()
        posix.write(result, b"Y" + len(text).to_bytes(4, "little") + text)
        leave(70)
    try:
        content = read_job(job, length)
        gc.enable()
        run(content, result)
        leave(0)
    except MemoryError:
        leave(OUT_OF_MEMORY)
    finally:
        leave(70)


def main():
    options = read_options(sys.argv[1:])
    sys.argv[:] = [""]
    preload(options["rich"])
    kernel = Kernel(options)
    control = _socket.socket(fileno=3)
    version = ".".join(map(str, sys.version_info[:3]))
    sys.modules["__main__"] = type(sys)("__main__")
    run = work(options)
    warm_up(run)
    landlock = give_up_at_once(kernel, options)
    gc.collect()
    kernel.trim()
    gc.disable()
    gc.freeze()
    control.send(("%s\nlandlock=%d" % (version, landlock)).encode())
    clone, arguments = kernel.syscall, kernel.fork
    space = _socket.CMSG_SPACE(8)
    number = int.from_bytes
    while True:
        order, ancillary, _, _ = control.recvmsg(8, space)
        if not order:
            posix._exit(0)
        pair = ancillary[0][2]
        job, result = number(pair[:4], sys.byteorder), number(pair[4:8], sys.byteorder)
        pid = clone(*arguments)
        if pid == 0:
            child(kernel, run, job, result, number(order[:4], "little"), number(order[4:], "little"))
        posix.close(job)
        posix.close(result)
        control.send(pid.to_bytes(4, "little") if pid > 0 else b"no")


main()
