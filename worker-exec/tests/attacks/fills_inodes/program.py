import os

def attack():
    made = 0
    try:
        while made < 5000:
            os.makedirs("%d/sub/sub" % made)
            made += 1
    except OSError:
        pass
    return made > 1024
