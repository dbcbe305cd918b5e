# Looking at examples and values without running any code of theirs that is not meant to run.

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


