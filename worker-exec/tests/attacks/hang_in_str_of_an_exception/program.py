class Wrong(Exception):
    def __str__(self):
        while True:
            pass

def attack(x):
    if x == 2:
        raise Wrong
    return x
