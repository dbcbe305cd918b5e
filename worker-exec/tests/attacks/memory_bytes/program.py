def attack(x):
    return len(bytearray(10**10 if x == 2 else x))
