def attack():
    x = 0.0
    while x < 400000: x += 0.1
    return x
