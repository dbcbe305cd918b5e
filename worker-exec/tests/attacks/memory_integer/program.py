def attack(x):
    return (1 << (10**10 if x == 2 else x)).bit_length()
