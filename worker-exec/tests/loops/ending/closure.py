def attack():
    n = 0
    def g():
        nonlocal n
        n += 1
        return n
    while g() < 4_000_000: pass
    return 1
