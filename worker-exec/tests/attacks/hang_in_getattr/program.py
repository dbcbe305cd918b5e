class Wrong(Exception):
    def __getattribute__(self, name):
        while True:
            pass
    def __str__(self):
        return self.text

def attack(x):
    if x == 2:
        raise Wrong
    return x
