def attack(depth):
    value = depth
    for _ in range(depth):
        value = [value]
    return value
