LIMIT = 3

def attack(x):
    return x * LIMIT
