import os

def attack():
    for number, target in enumerate(("/", "/usr", os.path.dirname(os.__file__), "..", ".", "loop")):
        os.symlink(target, "link%d" % number)
    os.symlink("loop", "loop")
    os.makedirs("inside")
    os.symlink(os.__file__, "inside/link")
    return "made"
