def first(a):
    return a + 5


def second_(a):
    return a + 7
