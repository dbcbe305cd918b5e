import os

def attack():
    opened = []
    try:
        while len(opened) < 1000:
            opened.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    return len(opened) > 100
