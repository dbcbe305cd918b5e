def attack(words):
    return list(set(words))
