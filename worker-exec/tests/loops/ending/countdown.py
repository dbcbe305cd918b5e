def attack(n=20_000_000):
    while n: n -= 1
    return n
