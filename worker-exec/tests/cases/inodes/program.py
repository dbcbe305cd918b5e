import os

def attack(x):
    made = 0
    try:
        while True:
            os.makedirs("%d/sub/sub" % made)
            made += 1
    except OSError:
        return made > 100
