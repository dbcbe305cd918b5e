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

def field(text):
    return len(text).to_bytes(4, "little") + text

def attack(x):
    if x == 2:
        forge(frame(b"R", b"r\1" + field(b"'forged'") + field(b"")))
        os._exit(0)
    return x
