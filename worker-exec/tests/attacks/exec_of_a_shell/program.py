import os

def attack():
    os.execv("/bin/sh", ["sh", "-c", "echo; echo RESULT a shell runs"])
