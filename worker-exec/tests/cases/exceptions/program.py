class Wrong(Exception):
    pass

class Unprintable(Exception):
    def __str__(self):
        raise ValueError

def attack(x):
    if x == 0:
        raise ValueError("zero\nor less")
    if x == 1:
        assert False, "one"
    if x == 2:
        return 1 / 0
    if x == 3:
        raise Wrong(x)
    if x == 4:
        raise Unprintable
    if x == 5:
        return int("five")
    raise ValueError("m" * 100000)
