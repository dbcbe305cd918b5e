def attack(items):
    items.append(items)
    return items
