def attack(x):
    return x
