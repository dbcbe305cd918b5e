import os, time

def attack():
    if os.fork():
        return "a daemon runs"
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
