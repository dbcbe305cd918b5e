def attack(x):
    nested = []
    while x == 2:
        nested = [nested, [0] * 1000]
    return x
