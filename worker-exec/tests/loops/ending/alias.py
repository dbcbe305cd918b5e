def attack():
    a = [[0], [0]]
    n = 0
    while n < 5_000_000: n += 1
    return n
