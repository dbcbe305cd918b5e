def attack():
    x = 0
    while x < 3_000_000: x += 1
    return x
