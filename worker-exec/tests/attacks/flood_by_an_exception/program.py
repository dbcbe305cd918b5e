def attack(x):
    raise ValueError("m" * 10**7)
