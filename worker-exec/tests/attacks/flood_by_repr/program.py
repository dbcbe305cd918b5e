class Grows:
    def __repr__(self):
        return "g" * 10**7

def attack(x):
    return [x, "s" * 10**7, Grows(), list(range(10**6))][x]
