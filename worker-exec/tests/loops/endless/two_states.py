def attack():
    a, b = 0, 1
    while a != b: a, b = b, a
