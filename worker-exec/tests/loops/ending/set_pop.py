def attack():
    n = 0
    while n < 10:
        s = set(range(400_000))
        while s: s.pop()
        n += 1
    return n
