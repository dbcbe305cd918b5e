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
        forge(frame(b"e", b"\0" * 40) + frame(b"R", b"nonsense") + frame(b"Z", b""))
    return x
