def attack(x):
    return len(x)
