import os

def frame(kind, body):
    return kind + len(body).to_bytes(4, "little") + body

def attack(x):
    if x == 2:
        done = frame(b"e", b"\0" * 40) + frame(b"R", b"nonsense") + frame(b"Z", b"")
        for fd in range(3, 64):
            try:
                os.write(fd, done)
            except OSError:
                pass
    return x
