class Value:
    def __eq__(self, other):
        while True:
            pass

def attack(x):
    return [Value()] == [1] if x == 2 else x
