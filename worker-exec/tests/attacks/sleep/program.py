import time

def attack(x):
    time.sleep(60 if x == 2 else 0)
    return x
