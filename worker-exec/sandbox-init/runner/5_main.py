# The loop: an order in, a child out.

def read_job(job):
    parts = []
    while True:
        part = os.read(job, 1 << 20)
        if not part:
            break
        parts.append(part)
    os.close(job)
    return sys.modules["json"].loads(b"".join(parts))


def warm_up(run):
    """Runs a harmless program once, so that no child is the first to do so: what it allocates lazily is shared."""
    nowhere = os.open("/dev/null", os.O_WRONLY)
    job = {"name": "f", "program": "def f(x):\n    return [x]\n", "examples": "examples = [dict(x=1), dict(y=2)]"}
    job.update(order=None, seed=0, lines=False, canonical=True)
    run(sys.modules["json"].loads(sys.modules["json"].dumps(job)), nowhere)
    os.close(nowhere)
    del sys.modules["program"], sys.modules["examples"]


def child(kernel, options, run, job, result, uid):
    leave = os._exit
    try:
        give_up_everything(kernel, options, job, result, uid)
    except BaseException as error:
        text = ("%s: %s" % (type(error).__name__, error)).encode()
        os.write(result, b"Y" + len(text).to_bytes(4, "little") + text)
        leave(70)
    try:
        os.write(result, b"L\0\0\0\0")  # from here on the worker believes no failure of the sandbox's
        content = read_job(job)
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
    preload()
    kernel = Kernel(options)
    kernel.prctl(PR_SET_DUMPABLE, kernel.zero, kernel.zero, kernel.zero, kernel.zero)
    control = _socket.socket(fileno=3)
    version = ".".join(map(str, sys.version_info[:3]))
    sys.modules["__main__"] = type(sys)("__main__")
    run = work(options)
    warm_up(run)
    gc.collect()
    gc.disable()
    gc.freeze()
    control.send(("%s\nlandlock=%d" % (version, kernel.ruleset >= 0)).encode())
    clone, arguments = kernel.syscall, kernel.clone_arguments
    space = _socket.CMSG_SPACE(8)
    while True:
        order, ancillary, _, _ = control.recvmsg(4, space)
        if not order:
            os._exit(0)
        pair = ancillary[0][2]
        job, result = (int.from_bytes(pair[at : at + 4], sys.byteorder) for at in (0, 4))
        pid = clone(*arguments)
        if pid == 0:
            child(kernel, options, run, job, result, int.from_bytes(order, "little"))
        os.close(job)
        os.close(result)
        control.send(pid.to_bytes(4, "little") if pid > 0 else b"no")


main()


