import os

def frame(kind, body):
    return kind + len(body).to_bytes(4, "little") + body

def forge(frames):
    os.write(1, b"\nRESULT 'forged'\nEND\n")
    for fd in range(3, 64):
        try:
            os.write(fd, frames)
        except OSError:
            pass

def attack(x):
    if x == 2:
        start = b"".join(frame(b"S", (index).to_bytes(4, "little") + bytes(4)) + frame(b"R", b"lmemory") for index in (0, 99, 2**32 - 1))
        forge(start)
        os._exit(0)
    return x
