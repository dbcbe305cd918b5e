def attack():
    return [@]
