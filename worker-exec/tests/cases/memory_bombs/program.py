def attack(x):
    if x == 1:
        return len(bytearray(10**10))
    if x == 2:
        grown = []
        while True:
            grown.append([0] * 1000)
    if x == 3:
        return [x] * (1 << 40)
    return "alive"
