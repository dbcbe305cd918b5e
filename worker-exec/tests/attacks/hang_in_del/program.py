class Value:
    def __del__(self):
        while True:
            pass
    def __repr__(self):
        return "a value"

def attack(x):
    return Value() if x == 2 else x
