class Hangs:
    def __repr__(self):
        while True:
            pass

class Explodes:
    def __repr__(self):
        raise ValueError("no repr")

class Grows:
    def __repr__(self):
        return "g" * 100000

class NoText:
    def __repr__(self):
        return 1

def attack(x):
    return [Hangs, Explodes, Grows, NoText, int][x]()
