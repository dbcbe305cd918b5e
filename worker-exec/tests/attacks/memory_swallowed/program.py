def attack(x):
    kept = []
    while x == 2:
        try:
            while True:
                kept.append([0] * 100000)
        except BaseException:
            pass
    return x
