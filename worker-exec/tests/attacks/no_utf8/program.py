import sys

class Surrogate:
    def __repr__(self):
        return "\ud800"

def attack(x):
    sys.stdout.buffer.write(bytes(range(256)) * 100)
    if x == 1:
        raise ValueError("\udfff")
    return Surrogate()
