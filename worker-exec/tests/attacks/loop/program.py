calls = []

def attack(x):
    calls.append(x)
    while x == 2:
        pass
    return x, calls
