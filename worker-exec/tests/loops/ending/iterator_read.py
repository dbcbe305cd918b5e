import itertools


def attack():
    ones = itertools.repeat(1, 10_000_000)
    while 1 in ones: pass
    return 1
