def attack():
    x = 0
    while True:
        for _ in range(10**7): x = x
        return x
