def attack():
    n = 300
    m = 300
    k = 0
    while n is not m or k < 4_000_000: k += 1; n = m
    return 1
