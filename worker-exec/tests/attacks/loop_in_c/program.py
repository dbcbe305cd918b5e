def attack(x):
    return sum(range(10**15 if x == 2 else x))
