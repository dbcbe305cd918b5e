def attack():
    a = 0
    n = [0]
    while n[0] < 3_000_000:
        a = 0
        n[0] += 1
    return 1
