def attack(x):
    if x == 1:
        return 10**5000
    return len(str(10**x))
