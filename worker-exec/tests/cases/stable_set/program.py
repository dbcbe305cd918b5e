def attack(words):
    return {word: {word, word * 2} for word in set(words)}
