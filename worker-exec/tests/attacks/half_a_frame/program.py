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
    if x == 1:
        forge(b"R" + (1 << 30).to_bytes(4, "little"))
    if x == 2:
        forge(b"R" + (1 << 16).to_bytes(4, "little"))
        os._exit(0)
    return x
