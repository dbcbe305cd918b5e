def attack():
    it = iter(range(10**7))
    while next(it) < 9_999_998: pass
    return 1
