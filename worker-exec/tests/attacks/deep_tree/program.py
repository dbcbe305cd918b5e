import os

def attack():
    depth = 0
    try:
        while depth < 10000:
            os.mkdir("d" * 50)
            os.chdir("d" * 50)
            depth += 1
    except OSError:
        pass
    return depth > 500
