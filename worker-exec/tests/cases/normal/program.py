import math

def attack(x, y=2):
    if x > 1:
        y = y + 1
    return {"x": math.sqrt(x), "y": [y]}
