"""Runs inside a sandbox: loads what programs may import, then forks one child per program. Standard library only,
Python 3.9 to 3.14, one thread. `sandbox-init` sends two descriptors per program: the job's and the answers'. Only the
child reads the job, after it has given up everything it does not need, so that a program inherits nothing of another.

Names that trusted code uses after the program has run are bound in closures before it starts: a program that replaces
`builtins.repr` or `len` does not change them. A program can still forge its own answers; nobody else's.
"""
import sys

sys.path[:] = [folder for folder in sys.path if folder]  # not the working folder

import _socket
import _sitebuiltins
import builtins
import ctypes
import gc
import opcode
import os
import resource

# What programs may import, and most do: loaded once, shared by all children.
PRELOAD = """__future__ abc array ast base64 binascii bisect calendar cmath collections collections.abc copy dataclasses
datetime decimal difflib enum fractions functools hashlib heapq html html.parser html.entities itertools json keyword
math numbers operator random re statistics string struct textwrap types typing unicodedata uuid zlib _strptime
encodings.idna""".split()

# Exit status of a child whose own machinery ran out of memory.
OUT_OF_MEMORY = 71

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38
SIGCHLD, CLONE_PARENT, CLONE_NEWPID = 17, 0x8000, 0x20000000


def read_options(arguments):
    options = dict(argument.split("=", 1) for argument in arguments)
    text = ("scratch", "filter", "calls")
    return {key: value if key in text else int(value) for key, value in options.items()}


def preload():
    for name in PRELOAD:
        try:
            __import__(name)
        except ImportError:  # not in every version or build
            pass
    # What `site` would have added.
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")


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


def read_job(job):
    parts = []
    while True:
        part = os.read(job, 1 << 20)
        if not part:
            break
        parts.append(part)
    os.close(job)
    return sys.modules["json"].loads(b"".join(parts))


def expressions(block):
    """The source of each argument of each entry of `examples`, as `{index: {name: text}}`; empty where the list is
    built by anything but literals, `+=`, `append` and `extend`."""
    import ast

    entries = []

    def listed(node):
        if not isinstance(node, (ast.List, ast.Tuple)):
            raise ValueError
        entries.extend(node.elts)

    def is_examples(node):
        return isinstance(node, ast.Name) and node.id == "examples"

    try:
        for statement in ast.parse(block).body:
            targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
            value = getattr(statement, "value", None)
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and any(map(is_examples, targets)):
                entries.clear()
                listed(value)
            elif isinstance(statement, ast.AugAssign) and is_examples(statement.target):
                listed(value)
            elif any(map(is_examples, ast.walk(statement))):
                method = getattr(getattr(value, "func", None), "attr", None)
                if method == "append":
                    entries.append(value.args[0])
                elif method == "extend":
                    listed(value.args[0])
                else:
                    raise ValueError
        lines = [line.encode() for line in block.splitlines(keepends=True)]

        def source(node):
            first, last = node.lineno - 1, node.end_lineno - 1
            if first == last:
                return lines[first][node.col_offset : node.end_col_offset].decode()
            middle = lines[first + 1 : last]
            return b"".join(
                [lines[first][node.col_offset :], *middle, lines[last][: node.end_col_offset]]
            ).decode()

        def arguments(node):
            if isinstance(node, ast.Call):
                return {keyword.arg: source(keyword.value) for keyword in node.keywords if keyword.arg}
            if isinstance(node, ast.Dict):
                return {
                    key.value: source(value) for key, value in zip(node.keys, node.values) if isinstance(key, ast.Constant)
                }
            return {}

        return len(entries), dict(enumerate(map(arguments, entries)))
    except Exception:
        return 0, {}


def make_is_literal():
    """A check that a value is made of exact builtin types and that its repr, read as source, gives it back."""
    kind, identity, finite = type, id, sys.modules["math"].isfinite
    plain = frozenset((int, bool, str, bytes, kind(None), bytearray, range, kind(...)))
    flat = frozenset((list, tuple, set, frozenset))

    def is_literal(value, active=()):
        cls = kind(value)
        if cls in plain:
            return True
        if cls is float:
            return finite(value)
        if cls is complex:
            return finite(value.real) and finite(value.imag)
        if cls is not dict and cls not in flat:
            return False
        mark = identity(value)
        if mark in active:
            return False
        active = (*active, mark)
        if cls is dict:
            for key, item in value.items():
                if not is_literal(key, active) or not is_literal(item, active):
                    return False
            return True
        for item in value:
            if not is_literal(item, active):
                return False
        return True

    return is_literal


def make_canonical():
    """A repr in which sets and dicts stand in sorted order, at any depth of exact builtin containers."""
    kind, text, ordered = type, repr, sorted

    def canonical(value):
        cls = kind(value)
        if cls is list:
            return "[" + ", ".join([canonical(item) for item in value]) + "]"
        if cls is tuple:
            return "(" + ", ".join([canonical(item) for item in value]) + ",)"
        if cls is set or cls is frozenset:
            return cls.__name__ + "{" + ", ".join(ordered([canonical(item) for item in value])) + "}"
        if cls is dict:
            pairs = [canonical(key) + ": " + canonical(item) for key, item in value.items()]
            return "{" + ", ".join(ordered(pairs)) + "}"
        return text(value)

    return canonical


def work(options):
    """Binds everything that a child's work needs, and gives back `run(job, result)`."""
    result = -1
    write, leave, encode, size = os.write, os._exit, str.encode, len
    text, kind, same_type, to_bytes, name_of = repr, type, isinstance, int.to_bytes, type.__repr__
    BaseError, Memory, Dict, Text, List = BaseException, MemoryError, dict, str, list
    number, compiled, execute, fresh = enumerate, compile, exec, type(sys)
    is_literal, canonical = make_is_literal(), make_canonical()
    generator, seed_generator = sys.modules["random"]._inst, sys.modules["_random"].Random.seed
    built_in = frozenset(dir(builtins))
    get_digits = getattr(sys, "get_int_max_str_digits", lambda: 0)
    set_digits = getattr(sys, "set_int_max_str_digits", lambda _: None)
    digits = get_digits()
    cap, message_cap, most = options["output_bytes"], 4096, options["max_examples"]
    raises = frozenset([opcode.opmap["RAISE_VARARGS"]])
    settrace = sys.settrace

    def reseed(seed):
        # What `random.seed` does for a number, without the Python code that it does it with.
        seed_generator(generator, seed)
        generator.gauss_next = None

    def send(letter, *fields):
        body = b"".join(fields)
        data = letter + to_bytes(size(body), 4, "little") + body
        while data:
            data = data[write(result, data) :]

    def field(data):
        return to_bytes(size(data), 4, "little") + data

    def utf8(string):
        return encode(string, "utf-8", "backslashreplace")

    def describe(error):
        """Class and message of an exception, and whether a `raise` or `assert` of the program's own raised it."""
        cls = name_of(kind(error))[8:-2]
        try:
            message = utf8(Text(error))[:message_cap]
        except Memory:
            raise
        except BaseError:
            message = b"<str() of the exception failed>"
        explicit = False
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            code = trace.tb_frame.f_code
            explicit = code.co_filename == "<program>" and code.co_code[trace.tb_lasti] in raises
        return utf8(cls), message, explicit

    def fail(error):
        if same_type(error, Memory):
            send(b"X", b"memory limit")
        else:
            cls, message, _ = describe(error)
            send(b"X", cls + b": " + message)
        leave(0)

    def namespace(name, content=()):
        module = fresh(name)
        module.__dict__.update(content)
        module.__dict__["__name__"] = name
        sys.modules[name] = module
        return module.__dict__

    def define(job):
        try:
            names = namespace("program")
            execute(compiled(job["program"], "<program>", "exec", 0, True), names)
            if job["name"] not in names:
                send(b"X", utf8("NameError: the program does not define " + job["name"]))
                leave(0)
            function = names[job["name"]]
        except BaseError as error:
            fail(error)
        send(b"P")
        return function, names

    def build(job, names):
        """The entries of `examples`, whose block sees the program's names but does not rebind them."""
        try:
            own, names = names, namespace("examples", names)
            names.pop("examples", None)
            execute(compiled(job["examples"], "<examples>", "exec", 0, True), names)
            # A function that reads a name which nothing else defines finds the block's, as in the published runs.
            for name in names:
                if name != "examples" and name not in own and name not in built_in:
                    own[name] = names[name]
            entries = names.get("examples")
            problem = None
            if not same_type(entries, (List, tuple)):
                problem = "the block builds no list `examples`"
            elif size(entries) == 0:
                problem = "the list `examples` is empty"
            elif size(entries) > most:
                problem = "the list `examples` has more than " + text(most) + " entries"
            else:
                entries = List(entries)
                for index, entry in number(entries):
                    if not same_type(entry, Dict):
                        problem = "entry " + text(index) + " of `examples` is no dict"
                    else:
                        for key in Dict.keys(entry):
                            if kind(key) is not Text:
                                problem = "entry " + text(index) + " of `examples` has a key that is no string"
                    if problem:
                        break
            if problem:
                send(b"X", utf8(problem))
                leave(0)
        except BaseError as error:
            fail(error)
        send(b"N", to_bytes(size(entries), 4, "little"))
        return entries

    sources = []

    def source_of(job, count, index, name, default):
        if not sources:
            known, found = expressions(job["examples"])
            sources.append(found if known == count else {})
        return sources[0].get(index, {}).get(name, default)

    def start(job, entries, index):
        """Sends what the input looks like before the call; says whether it can be called."""
        entry, pairs, fields, fits = entries[index], [], [], True
        set_digits(0)
        for name, value in Dict.items(entry):
            try:
                shown, literal = text(value), is_literal(value)
            except Memory:
                raise
            except BaseError as error:
                shown, literal = "<" + name_of(kind(value))[8:-2] + " whose repr() failed>", False
            pairs.append(text(name) + ": " + shown)
            source = shown if literal and size(shown) <= cap else source_of(job, size(entries), index, name, shown)
            fields.append(field(utf8(name)) + field(utf8(source)[:cap]))
        whole = utf8("{" + ", ".join(pairs) + "}")
        if size(whole) > cap:
            whole, fits = whole[:cap], False
        if sum([size(each) for each in fields]) > 2 * cap:
            fields, fits = [], False
        send(b"S", to_bytes(index, 4, "little"), field(whole), *fields)
        return fits

    def limit(which):
        send(b"R", b"l", which)

    def call(job, function, entry):
        """One call and its outcome."""
        seen = set()

        def local(frame, event, _):
            if event == "line":
                seen.add(frame.f_lineno)
            return local

        def tracer(frame, _event, _argument):
            return local if frame.f_code.co_filename == "<program>" else None

        try:
            set_digits(digits)
            if job["lines"]:
                settrace(tracer)
            value = function(**entry)
            settrace(None)
            set_digits(0)
            shown = utf8(text(value))
            if size(shown) > cap:
                limit(b"output")
                return
            try:
                literal = is_literal(value)
            except RecursionError:
                literal = False
            body = (b"r", b"\1" if literal else b"\0", field(shown))
            other = b""
            if job["canonical"]:
                try:
                    other = utf8(canonical(value))[: 2 * cap]
                except RecursionError:  # it contains itself
                    other = shown
        except Memory:
            settrace(None)
            limit(b"memory")
            return
        except BaseError as error:
            settrace(None)
            set_digits(0)
            try:
                cls, message, explicit = describe(error)
            except Memory:
                limit(b"memory")
                return
            body = (b"e", b"\1" if explicit else b"\0", field(cls[:1000]))
            other = message
        lines = b"".join([to_bytes(line, 4, "little") for line in sorted(seen)][:5000]) if job["lines"] else b""
        send(b"R", *body, field(other), lines)

    def run(job, answers):
        nonlocal result
        result = answers
        reseed(job["seed"])
        function, names = define(job)
        reseed(job["seed"])
        entries = build(job, names)
        order = range(size(entries)) if job["order"] is None else job["order"]
        for index in order:
            reseed(job["seed"])
            try:
                fits = start(job, entries, index)
            except Memory:
                send(b"S", to_bytes(index, 4, "little"), field(b""))
                limit(b"memory")
                continue
            if fits:
                call(job, function, entries[index])
            else:
                limit(b"output")
        send(b"Z")

    return run


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
