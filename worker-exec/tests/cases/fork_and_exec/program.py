import os, subprocess, threading

def attack(x):
    if x == 0:
        while True:
            os.fork()
    if x == 1:
        return subprocess.run(["/bin/sh", "-c", "echo hello"])
    if x == 2:
        os.execv("/bin/sh", ["sh"])
    if x == 3:
        threading.Thread(target=print).start()
    if x == 4:
        return os.system("true")
    return "alive"
