import os

def attack(pid):
    with open("/proc/%s/environ" % (pid or os.getppid()), "rb") as file:
        return file.read()
