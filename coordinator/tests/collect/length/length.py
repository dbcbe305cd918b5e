def short(a):
    # A comment is no line of code.

    """Nor a docstring."""
    return a + 1


def right(a):
    b = a + 1
    return b


def long(a):
    b = a + 1
    return "a line that makes it longer than what was asked for, with this text" + str(b) + str(a)


HELPER = "a constant that is carried along counts as well, and this one has some eighty characters"


def long_with_context(a):
    b = HELPER
    return b
