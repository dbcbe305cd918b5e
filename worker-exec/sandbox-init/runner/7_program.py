# One program: its definition, its examples, its calls.

# Answers are sent when so many bytes have been gathered. A careful process sends each at once.
GATHERED = 1 << 15


def work(options):
    """Binds everything that a child's work needs, and gives back `run(job, result, careful)`."""
    result, patience = -1, 0
    write, leave, encode, size = posix.write, posix._exit, str.encode, len
    text, kind, same_type, to_bytes, name_of = repr, type, isinstance, int.to_bytes, type.__repr__
    BaseError, Memory, Recursion, Dict, Text, List, Tuple = BaseException, MemoryError, RecursionError, dict, str, list, tuple
    ordered, total, numbers, attribute, gather = sorted, sum, range, getattr, GATHERED
    traceback_of = BaseException.__traceback__.__get__  # the class of an exception may say something else
    number, compiled, execute, fresh, modules = enumerate, compile, exec, type(sys), sys.modules
    is_literal, canonical, hide_addresses = make_is_literal(), make_canonical(), make_hide_addresses()
    watch, begin_lines, end_lines = make_line_recorder()
    look_for_endless = make_look_for_endless()
    built_in = frozenset(dir(builtins))
    get_digits = getattr(sys, "get_int_max_str_digits", lambda: 0)
    set_digits = getattr(sys, "set_int_max_str_digits", lambda _: None)
    digits = get_digits()
    cap, message_cap, most = options["output_bytes"], 4096, options["max_examples"]
    raises = opcode.opmap["RAISE_VARARGS"]
    gathered = bytearray()

    generator = modules["random"]._inst if "random" in modules else None
    seed_generator = kind(generator).__base__.seed if generator else None

    def reseed(seed):
        # What `random.seed` does for a number, without the Python code that it does it with.
        nonlocal generator, seed_generator
        if generator is None and "random" in modules:  # the lean runner's children find it by roundabout ways only
            generator = attribute(modules["random"], "_inst", None)
            seed_generator = attribute(kind(generator).__base__, "seed", None)
        if seed_generator is not None:
            seed_generator(generator, seed)
            generator.gauss_next = None

    def flush():
        while gathered:
            del gathered[: write(result, gathered)]

    def send(letter, *fields):
        body = b"".join(fields)
        gathered.extend(letter + to_bytes(size(body), 4, "little") + body)
        if size(gathered) > patience:
            flush()

    def finish():
        flush()
        leave(0)

    def endless():
        flush()
        write(result, b"")  # fails where the program closed it: then it goes on, and has stopped answering
        leave(ENDLESS)

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
        trace = traceback_of(error)
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            code = trace.tb_frame.f_code
            explicit = code.co_filename == "<program>" and code.co_code[trace.tb_lasti] == raises
        return utf8(cls), message, explicit

    def fail(error):
        if same_type(error, Memory):
            send(b"X", b"memory limit")
        else:
            cls, message, _ = describe(error)
            send(b"X", cls + b": " + message)
        finish()

    def namespace(name, content=()):
        module = fresh(name)
        module.__dict__.update(content)
        module.__dict__["__name__"] = name
        modules[name] = module
        return module.__dict__

    def define(job):
        try:
            names = namespace("program")
            code = compiled(job.program, "<program>", "exec", 0, True)
            execute(code, names)
            if job.lines:
                watch(code)
            if job.name not in names:
                send(b"X", utf8("NameError: the program does not define " + job.name))
                finish()
            function = names[job.name]
        except BaseError as error:
            fail(error)
        send(b"P")
        return function, names

    def build(job, names):
        """The entries of `examples`, whose block sees the program's names but does not rebind them."""
        try:
            own, names = names, namespace("examples", names)
            names.pop("examples", None)
            execute(compiled(job.examples, "<examples>", "exec", 0, True), names)
            # A function that reads a name which nothing else defines finds the block's, as in the published runs.
            for name in names:
                if name != "examples" and name not in own and name not in built_in:
                    own[name] = names[name]
            entries = names.get("examples")
            problem = None
            if not same_type(entries, (List, Tuple)):
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
                finish()
        except BaseError as error:
            fail(error)
        send(b"N", to_bytes(size(entries), 4, "little"))
        return entries

    named = {}  # what stands in front of a value, for each name: as text, and as a field

    def start(entry, index):
        """Sends what the input looks like before the call; says whether it can be called."""
        pairs, fields, fits = [], [], True
        set_digits(0)
        for name, value in Dict.items(entry):
            try:
                shown, literal = text(value), is_literal(value)
            except Memory:
                raise
            except BaseError as error:
                shown, literal = "<" + name_of(kind(value))[8:-2] + " whose repr() failed>", False
            if not literal:
                shown = hide_addresses(shown)
            if name not in named:
                named[name] = text(name) + ": ", field(utf8(name))
            as_text, as_field = named[name]
            pairs.append(as_text + shown)
            shown = utf8(shown)
            if size(shown) > cap:
                shown, literal = shown[:cap], False
            fields.append(as_field + (b"\1" if literal else b"\0") + field(shown))
        whole = utf8("{" + ", ".join(pairs) + "}")
        if size(whole) > cap:
            whole, fits = whole[:cap], False
        if total([size(each) for each in fields]) > 2 * cap:
            fields, fits = [], False
        send(b"S", to_bytes(index, 4, "little"), field(whole), *fields)
        return fits

    def limit(which):
        send(b"R", b"l", which)

    def call(job, function, entry):
        """One call and its outcome."""
        lines = ()
        try:
            set_digits(digits)
            if job.lines:
                begin_lines()
                try:
                    value = function(**entry)
                finally:
                    lines = end_lines()
            else:
                value = function(**entry)
            set_digits(0)
            shown = utf8(text(value))
            if size(shown) > cap:
                value = None
                limit(b"output")
                return
            try:
                literal = is_literal(value)
            except Recursion:
                literal = False
            body = (b"r", b"\1" if literal else b"\0", field(shown))
            other = b""
            if job.canonical:
                try:
                    other = utf8(canonical(value))[: 2 * cap]
                except Recursion:  # it contains itself
                    other = shown
            value = None  # a `__del__` that hangs is this call's, not the next one's
        except Memory:
            limit(b"memory")
            return
        except BaseError as error:
            set_digits(0)
            try:
                cls, message, explicit = describe(error)
            except Memory:
                limit(b"memory")
                return
            body = (b"e", b"\1" if explicit else b"\0", field(cls[:1000]))
            other = message
        lines = b"".join([to_bytes(line, 4, "little") for line in ordered(lines)][:5000])
        send(b"R", *body, field(other), lines)

    def run(job, answers):
        nonlocal result, patience
        result, patience = answers, 0 if job.careful else gather
        if job.careful:
            look_for_endless(endless)
        if job.shifted:
            shift_clock(job.program + job.examples)
        send(b"L")  # from here on the worker believes no failure of the sandbox's
        reseed(job.seed)
        if job.evaluation:
            evaluation = make_evaluation(
                dict(
                    send=send, field=field, utf8=utf8, describe=describe, start=start, is_literal=is_literal, cap=4 * cap,
                    namespace=namespace, fail=fail, finish=finish, most=most, limit=limit,
                )
            )
            evaluation(job)
            send(b"Z")
            return flush()
        function, names = define(job)
        reseed(job.seed)
        entries = build(job, names)
        order = numbers(size(entries)) if job.order is None else job.order
        for index in order[::-1] if job.reversed else order:
            reseed(job.seed)
            try:
                fits = start(entries[index], index)
            except Memory:
                send(b"S", to_bytes(index, 4, "little"), field(b""))
                limit(b"memory")
                continue
            if fits:
                call(job, function, entries[index])
            else:
                limit(b"output")
        send(b"Z")
        flush()

    return run


