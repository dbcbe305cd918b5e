def crlf(a):
    return a + 4
