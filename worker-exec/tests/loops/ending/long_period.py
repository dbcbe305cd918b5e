def attack():
    a = 0
    b = 0
    while b < 60:
        a = (a + 1) % 100000
        if a == 0: b += 1
    return 1
