class Text(str):
    __len__ = __iter__ = encode = __radd__ = __format__ = lambda *_: 1 / 0

class Value:
    def __repr__(self):
        return Text("lie") if self.x == 1 else 5

def attack(x):
    value = Value()
    value.x = x
    return value
