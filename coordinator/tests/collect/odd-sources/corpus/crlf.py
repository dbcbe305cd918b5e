def crlf(a):
    """Two
    lines."""
    return a + 2
