import os, pty

def attack():
    pid, _ = pty.fork()
    if pid == 0:
        os._exit(0)
    return "a terminal"
