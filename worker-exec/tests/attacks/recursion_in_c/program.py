def attack(x):
    items = iter([x])
    for _ in range(300000 if x == 2 else 1):
        items = map(abs, items)
    return list(items)
