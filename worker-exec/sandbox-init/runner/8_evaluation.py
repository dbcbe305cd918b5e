# One completion of a model, as the published evaluation runs it: one module with the item's examples behind it, what is
# printed kept, and a loop over the examples that the program can interfere with in every way that it could there (names
# `r`, `ex` and `e`, its own `print` or `json.dumps`). Beside that text goes what we saw ourselves.

# What the guard of the published script takes away; from `human-eval`.
NO_BUILTINS = "exit quit open help"
NO_OS = """kill makedirs link system putenv remove removedirs rmdir fchdir setuid fork forkpty killpg rename renames
truncate replace unlink fchmod fchown chmod chown chroot lchflags lchmod lchown getcwd chdir"""
NO_MODULES = "ipdb joblib resource psutil tkinter"
NO_OTHERS = (("shutil", "rmtree move chown"), ("subprocess", "Popen"), ("sqlite3", "connect"))
# Ways to a module without its name.
BY_WAY_OF = {"shutil": ("tempfile", "zipfile", "tarfile"), "subprocess": ("platform", "webbrowser"), "sqlite3": ()}
# In the same file before the program, so that what must stand at the beginning of a file does not.
PRELUDE = "import sys\nimport copy\nimport json\n"
MOST_PRINTED, PRINTED_FRAME = 8 << 20, 1 << 18


def guard(source):
    import os

    for name in NO_BUILTINS.split():
        setattr(builtins, name, None)
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in NO_OS.split():
        setattr(os, name, None)
    for name in NO_MODULES.split():
        sys.modules[name] = None
    for module, names in NO_OTHERS:
        # To load them costs more than the rest of a program.
        if any(word in source for word in (module, *BY_WAY_OF[module])):
            try:
                loaded = __import__(module)
            except ImportError:
                continue
            for name in names.split():
                setattr(loaded, name, None)


def depth():
    frame, count = sys._getframe(1), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


def make_evaluation(tools):
    """Gives back `evaluate(job)`. Called in the child, before there is anything of the program."""
    import _io

    send, field, utf8, describe, start = (tools[name] for name in ("send", "field", "utf8", "describe", "start"))
    is_literal, namespace, fail, finish = (tools[name] for name in ("is_literal", "namespace", "fail", "finish"))
    cap, most, limit = tools["cap"], tools["most"], tools["limit"]
    compiled, execute, text, kind, same_type, size = compile, exec, repr, type, isinstance, len
    Error, BaseError, Memory, Dict, List, Tuple, number = Exception, BaseException, MemoryError, dict, list, tuple, enumerate
    to_bytes, part_of = int.to_bytes, bytes
    out, before, set_recursion_limit = sys.stdout, sys.getrecursionlimit(), sys.setrecursionlimit

    def step(source):
        return compiled(source, "<evaluation>", "exec", 0, True)

    def observed(call, show, show_error, names):
        """One turn of the published loop; what came of it, as we see it."""
        try:
            execute(call, names)
            value = names.get("r")
            execute(show, names)
        except Error as error:
            names["e"] = error
            execute(show_error, names)
            names.pop("e", None)
            if same_type(error, Memory):
                return limit(b"memory")
            cls, message, explicit = describe(error)
            return send(b"R", b"e", b"\1" if explicit else b"\0", field(cls[:1000]), field(message))
        try:
            shown = utf8(text(value))
            literal = is_literal(value)
        except Memory:
            return limit(b"memory")
        except BaseError as error:
            cls, message, explicit = describe(error)
            return send(b"R", b"e", b"\0", field(cls[:1000]), field(message))
        if size(shown) > cap:
            return limit(b"output")
        return send(b"R", b"r", b"\1" if literal else b"\0", field(shown), field(b""))

    def evaluate(job):
        printed = _io.BytesIO()
        sys.stdout = sys.__stdout__ = text_of_it = _io.TextIOWrapper(printed, encoding="utf-8", errors="strict")
        flush, content, entries = text_of_it.flush, printed.getbuffer, None
        try:
            guard(job.program + job.examples)
            names = namespace("__main__")
            names["__file__"], names["__builtins__"] = "exec.py", builtins
            whole = compiled(PRELUDE + job.program + "\n\n" + job.examples, "<program>", "exec", 0, True)
            call = step("r = " + job.name + "(**ex)")
            execute(step("def reliability_guard(maximum_memory_bytes=None):\n    pass\n"), names)
            set_recursion_limit(before + depth() + DEEPER)
            execute(whole, names)
            send(b"P")
            execute(step(INPUTS), names)
            execute(step(BEGIN), names)
            given = names["examples"]
            if not same_type(given, (List, Tuple)) or not 1 <= size(given) <= most:
                send(b"X", b"the program spoilt the list `examples`")
                finish()
            entries = given
            send(b"N", to_bytes(size(entries), 4, "little"))
            as_published = job.order is None and not job.reversed
            if not as_published:
                order = range(size(entries)) if job.order is None else job.order
                chosen = [(index, entries[index]) for index in order]
                turns = chosen[::-1] if job.reversed else chosen
            else:
                turns = number(entries)
            begin, show, show_error = step(OUT), step(RETURNED), step(RAISED)
            for index, names["ex"] in turns:
                if job.canonical and same_type(names["ex"], Dict):
                    start(names["ex"], index)
                else:
                    send(b"S", to_bytes(index, 4, "little"), field(b""))
                execute(begin, names)
                observed(call, show, show_error, names)
            execute(step(END), names)
            flush()
            content = content()
        except BaseError as error:
            if entries is None:
                fail(error)
            finish()  # in the middle of the calls, as the program wanted
        if size(content) > MOST_PRINTED:
            send(b"X", b"output limit: all that it printed is longer than %d bytes" % MOST_PRINTED)
            finish()
        for at in range(0, size(content), PRINTED_FRAME):
            send(b"T", part_of(content[at : at + PRINTED_FRAME]))

    return evaluate


# How much deeper than a script's own statements ours are, beside the frames that Python shows. Measured: a recursion that
# just fits into a script fits here (`coordinator/tests/eval/recursion`).
DEEPER = 2 if sys.version_info < (3, 12) else 1

# The published script, piece by piece. Its text is read by its markers in `coordinator/src/eval/published.rs`.
INPUTS = """print("############ <|EXAMPLE INPUR START|> ############")
for ex in examples:
    print("<|EX|>", json.dumps(repr(ex)))
print("############ <|EXAMPLE INPUR END|> ############")
"""
BEGIN = 'print("############ <|EXAMPLE OUTPUT START|> ############")'
OUT = 'print("<|OUT|>")'
RETURNED = "print('<|RETURN|>', json.dumps(repr(r)))"
RAISED = "print('<|EXCEPTION|>', json.dumps(str(type(e)) + ': ' + str(e)))"
END = 'print("############ <|EXAMPLE OUTPUT END|> ############")'


