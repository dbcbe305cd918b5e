def attack(x):
    return x

attack.missing.attribute
