# Looking at values without running any code of theirs that is not meant to run.

# Brackets in brackets that source may hold, with room for what stands around a value; CPython's parser takes 200.
MOST_NESTED = 100


def make_is_literal():
    """A check that a value is made of exact builtin types and that its repr, read as source, gives it back."""
    kind, identity, size, Float, Complex, Dict = type, id, len, float, complex, dict
    plain = frozenset((int, bool, str, bytes, kind(None), bytearray, range, kind(...)))
    flat = frozenset((list, tuple, set, frozenset))

    def is_literal(value, active=()):
        cls = kind(value)
        if cls in plain:
            return True
        if cls is Float:
            return value - value == 0.0  # neither infinite nor NaN
        if cls is Complex:
            return value - value == 0j
        if cls is not Dict and cls not in flat:
            return False
        mark = identity(value)
        if mark in active or size(active) == MOST_NESTED:
            return False
        active = (*active, mark)
        if cls is Dict:
            for key, item in value.items():
                if kind(key) not in plain and not is_literal(key, active):
                    return False
                if kind(item) not in plain and not is_literal(item, active):
                    return False
            return True
        for item in value:
            if kind(item) not in plain and not is_literal(item, active):
                return False
        return True

    return is_literal


def make_canonical():
    """A repr in which sets and dicts stand in sorted order, at any depth of exact builtin containers."""
    kind, text, ordered = type, repr, sorted
    List, Tuple, Set, Frozen, Dict = list, tuple, set, frozenset, dict

    def canonical(value):
        cls = kind(value)
        if cls is List:
            return "[" + ", ".join([canonical(item) for item in value]) + "]"
        if cls is Tuple:
            return "(" + ", ".join([canonical(item) for item in value]) + ",)"
        if cls is Set or cls is Frozen:
            return cls.__name__ + "{" + ", ".join(ordered([canonical(item) for item in value])) + "}"
        if cls is Dict:
            pairs = [canonical(key) + ": " + canonical(item) for key, item in value.items()]
            return "{" + ", ".join(ordered(pairs)) + "}"
        return text(value)

    return canonical


def make_hide_addresses():
    """Where an object stands in memory is another in every sandbox: it has no place in a record."""
    find, size, digits = str.find, len, frozenset("0123456789abcdef")
    mark = " at 0x"

    def hide_addresses(shown):
        at = find(shown, mark)
        if at < 0:
            return shown
        parts, start = [], 0
        while at >= 0:
            end = at + 6
            while end < size(shown) and shown[end] in digits:
                end += 1
            if end > at + 6:
                parts.append(shown[start:at] + " at 0x...")
                start = end
            at = find(shown, mark, end)
        return "".join(parts) + shown[start:]

    return hide_addresses


