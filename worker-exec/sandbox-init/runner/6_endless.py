# A loop whose state comes back never ends: no need to wait for its time limit. Looked for in careful processes only,
# once one has run for longer than most ever do, and found only where it is proven: from one arrival at the head of a
# loop to the next, nothing was executed but operations on plain values, and every variable has the value that it had.
# (One that holds something else may be there, but not be read.) Nor may a turn leave garbage: the collector would come one
# day, and run what a program has for that.

# Exit status of a child that has found one: its time limit is then as good as reached.
ENDLESS = 72
# Seconds of CPU time until the first look and between two; in between the program runs at its full speed.
FIRST_LOOK, LOOK_EVERY = 0.1, 0.4
# Operations of a look, the values that are compared among them: 20 ms or so.
MOST_STEPS = 20_000

# Operations that give plain values for plain values and do nothing else; of all versions of Python. Not among them:
# `is`, since values say nothing of it, and `for`, since an iterator's state is not to be seen.
PURE = """NOP CACHE RESUME EXTENDED_ARG POP_TOP COPY SWAP ROT_TWO ROT_THREE ROT_FOUR DUP_TOP DUP_TOP_TWO LOAD_CONST
LOAD_SMALL_INT LOAD_FAST LOAD_FAST_CHECK LOAD_FAST_LOAD_FAST LOAD_FAST_BORROW LOAD_FAST_BORROW_LOAD_FAST_BORROW
STORE_FAST STORE_FAST_STORE_FAST STORE_FAST_LOAD_FAST LOAD_DEREF STORE_DEREF LOAD_GLOBAL COMPARE_OP CONTAINS_OP
TO_BOOL BUILD_TUPLE BUILD_LIST BUILD_SLICE STORE_SUBSCR DELETE_SUBSCR STORE_SLICE UNPACK_SEQUENCE PUSH_NULL PRECALL
CALL CALL_FUNCTION""".split()
SIMPLE_LOADS = "LOAD_FAST LOAD_FAST_CHECK LOAD_FAST_BORROW".split()  # of one variable
PURE_KINDS = "UNARY_ BINARY_ INPLACE_ JUMP_ POP_JUMP_"
# Of what a loop finds in its globals and builtins: these, and numbers and text.
PURE_CALLS = (len, abs, ord, chr, min, max, sum, int, str, bool, float, round, divmod, pow, isinstance, sorted, list)


def make_look_for_endless():
    """Gives back `look_for_endless(found)`: from then on a timer that `start_timer` started calls `found` once there is
    such a loop."""
    import _signal
    from gc import get_objects

    settrace, gettrace, getprofile = sys.settrace, sys.gettrace, sys.getprofile
    set_handler, ring_of = _signal.signal, _signal.SIGVTALRM
    kind, size, text, identity, BaseError = type, len, repr, id, BaseException
    List, Tuple, Dict, Float = list, tuple, dict, float
    atoms, long = frozenset((int, bool, kind(None))), frozenset((str, bytes))
    starts = Tuple(PURE_KINDS.split())
    pure = frozenset(code for name, code in opcode.opmap.items() if name in PURE or name.startswith(starts))
    of_variables = [name for name in PURE if "LOAD_FAST" in name or "LOAD_DEREF" in name]
    loads = frozenset(opcode.opmap[name] for name in of_variables if name in opcode.opmap)
    simple_loads = frozenset(opcode.opmap[name] for name in SIMPLE_LOADS if name in opcode.opmap)
    load_global, extended_arg = opcode.opmap["LOAD_GLOBAL"], opcode.opmap["EXTENDED_ARG"]
    calls = frozenset(identity(call) for call in PURE_CALLS)
    shift = 1 if sys.version_info >= (3, 11) else 0
    found = watched = code = names = saved = None
    # Arrivals: so far, at the saved state, at the end of the turn that is counted. Containers: at its start.
    steps = before = at = arrivals = saved_arrival = last_arrival = containers = 0
    extended = blind = False
    variables, loaded = (), set()  # names; `blind`: others than these may have been loaded

    def state(frame, budget):
        """All that the variables hold, flat, and the names of those that are not plain; None if it is too much."""
        variables = frame.f_locals
        # Which of them are the same object counts too: one that is changed changes the other.
        parts, numbers, opaque = [*variables], {}, []
        for name in variables:
            rest = [variables[name]]
            while rest:
                value = rest.pop()
                its = kind(value)
                if its in atoms:
                    parts.append((its, value))
                elif its in long:
                    budget -= size(value) >> 6
                    parts.append((its, value))
                elif its is Float and value == value:
                    parts.append((its, text(value)))
                elif its is not List and its is not Tuple and its is not Dict:
                    opaque.append(name)
                    parts.append((its, identity(value)))
                elif identity(value) in numbers:
                    number, owner = numbers[identity(value)]
                    parts.append(-number)
                    if owner in opaque:
                        opaque.append(name)
                else:
                    numbers[identity(value)] = size(numbers) + 1, name
                    parts.append((its, size(value)))
                    rest.extend(value)
                    if its is Dict:
                        rest.extend(value.values())
                if size(parts) + size(rest) > budget:
                    return None
        return parts, opaque

    def stop():
        nonlocal watched, saved, code
        settrace(None)
        watched.f_trace_opcodes = False
        watched.f_trace = None
        watched = saved = code = None

    def called(_frame, _event, _argument):
        stop()

    def follow(frame, event, _argument):
        try:
            if event == "line":
                return follow
            if event != "opcode" or not step(frame):
                stop()
        except BaseError:
            stop()
        return follow

    def step(frame):
        """Whether there is reason to go on after this operation."""
        nonlocal steps, before, extended, blind
        last, steps = frame.f_lasti, steps + 1
        operation = code[last]
        if operation not in pure or steps > MOST_STEPS:
            return False
        if operation == load_global:
            name = names[code[last + 1] >> shift]
            value = (frame.f_globals if name in frame.f_globals else frame.f_builtins).get(name, frame)
            if extended or kind(value) not in atoms and kind(value) not in long and identity(value) not in calls:
                return False
        elif operation in loads:
            place = code[last + 1]
            if operation in simple_loads and not extended and place < size(variables):
                loaded.add(variables[place])
            else:
                blind = True
        extended = operation == extended_arg
        back, before = last <= before, last
        return arrive(frame, last) if back else True

    def arrive(frame, last):
        nonlocal steps, arrivals, saved, at, saved_arrival, last_arrival, containers
        arrivals += 1
        if last_arrival:
            # The state came back: one more turn, in which nothing but the loop makes containers, for what it leaves.
            if saved is not None:
                saved, last_arrival = None, last_arrival + arrivals
                containers = size(get_objects())
            elif arrivals == last_arrival:
                if size(get_objects()) != containers:
                    return False
                settrace(None)
                found()
            return True
        if saved is None or last == at or not arrivals & arrivals - 1:
            now = state(frame, MOST_STEPS - steps)
            if now is None:
                return False
            parts, opaque = now
            steps += size(parts)
            if saved is not None and last == at and parts == saved[0]:
                if opaque and (blind or not loaded.isdisjoint(opaque)):
                    return False
                last_arrival = arrivals - saved_arrival
                return True
            if saved is None or not arrivals & arrivals - 1:
                saved, at, saved_arrival = now, last, arrivals
        return True

    def ring(_signal, frame):
        nonlocal watched, code, names, saved, steps, arrivals, before, extended, variables, blind, last_arrival
        try:
            if watched is not None or frame is None or gettrace() is not None or getprofile() is not None:
                return
            watched, code, names = frame, frame.f_code.co_code, frame.f_code.co_names
            variables, blind = frame.f_code.co_varnames, False
            loaded.clear()
            saved, steps, arrivals, before, extended, last_arrival = None, 0, 0, frame.f_lasti, False, 0
            frame.f_trace, frame.f_trace_opcodes = follow, True
            settrace(called)
        except BaseError:
            settrace(None)
            watched = None

    def look_for_endless(tell):
        nonlocal found
        found = tell
        set_handler(ring_of, ring)

    return look_for_endless


def start_timer():
    """For the program that this child gets: the program itself may start none."""
    import _signal

    _signal.signal(_signal.SIGVTALRM, _signal.SIG_IGN)
    _signal.setitimer(_signal.ITIMER_VIRTUAL, FIRST_LOOK, LOOK_EVERY)
