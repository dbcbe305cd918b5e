import os

def attack():
    os.link(os.__file__, "mine")
    return "linked"
