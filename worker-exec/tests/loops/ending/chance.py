import random
def attack():
    while random.random() > 1e-7: pass
    return 1
