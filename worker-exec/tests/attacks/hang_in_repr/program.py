class Value:
    def __repr__(self):
        while True:
            pass

def attack(x):
    return Value() if x == 2 else x
