import os

def attack(how):
    os.setsid() if how == "session" else os.setpgid(0, 0)
    return "left"
