import gc

def attack(x):
    gc.disable()
    while x == 2:
        cycle = [0] * 10000
        cycle.append(cycle)
    return x
