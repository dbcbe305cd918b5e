# Which lines of the program a call reaches.

def make_line_recorder():
    """`watch(code)` once the definition has run, then `begin()` and `end()` around each call: the lines in between."""
    seen = set()
    line_seen = seen.add
    monitoring = getattr(sys, "monitoring", None)  # from 3.12 on: what has been seen once costs nothing more
    settrace = sys.settrace
    code_kind, same_type = type(make_line_recorder.__code__), isinstance

    def local(frame, event, _):
        if event == "line":
            line_seen(frame.f_lineno)
        return local

    def tracer(frame, _event, _argument):
        return local if frame.f_code.co_filename == "<program>" else None

    if monitoring is None:

        def watch(_):
            pass

        def begin():
            seen.clear()
            settrace(tracer)

        def end():
            settrace(None)
            return seen

        return watch, begin, end

    tool, lines, nothing = 4, monitoring.events.LINE, 0
    disable, restart, set_local = monitoring.DISABLE, monitoring.restart_events, monitoring.set_local_events
    use_tool, free_tool, register = monitoring.use_tool_id, monitoring.free_tool_id, monitoring.register_callback
    codes = []
    append = codes.append

    def on_line(_code, line):
        line_seen(line)
        return disable

    def collect(code):
        append(code)
        for constant in code.co_consts:
            if same_type(constant, code_kind):
                collect(constant)

    def watch(code):
        collect(code)

    def begin():
        seen.clear()
        use_tool(tool, "case2code")
        register(tool, lines, on_line)
        for code in codes:
            set_local(tool, code, lines)
        restart()

    def end():
        for code in codes:
            set_local(tool, code, nothing)
        register(tool, lines, None)
        free_tool(tool)
        return seen

    return watch, begin, end


