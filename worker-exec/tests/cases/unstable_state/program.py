seen = []

def attack(x):
    seen.append(x)
    return len(seen)
