def attack():
    a = []
    while len(a) < 5_000_000: a += [1]
    return len(a)
