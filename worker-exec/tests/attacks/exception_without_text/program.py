class Wrong(Exception):
    def __str__(self):
        raise ValueError

def attack(x):
    if x == 2:
        raise Wrong
    return x
