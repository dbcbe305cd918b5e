def attack(x):
    return attack(x + 1)
