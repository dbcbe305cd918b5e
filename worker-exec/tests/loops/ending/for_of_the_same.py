import itertools


def attack():
    for x in itertools.repeat(0, 100_000_000): pass
    return x
