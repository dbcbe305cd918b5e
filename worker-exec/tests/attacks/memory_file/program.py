import os

def attack():
    fd = os.memfd_create("left")
    return os.write(fd, b"x" * (1 << 20))
