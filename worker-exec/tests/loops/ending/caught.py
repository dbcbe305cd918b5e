def attack():
    n = 0
    while True:
        try:
            n += 1
            if n > 4_000_000: raise ValueError
        except ValueError: return 1
