TEXT = "@"

def attack(x):
    return len(TEXT) * x
