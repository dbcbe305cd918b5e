import os

def attack():
    os.makedirs("locked/inside/inside")
    with open("locked/inside/file", "w") as file:
        file.write("x")
    os.chmod("locked/inside/file", 0)
    os.chmod("locked/inside/inside", 0)
    os.chmod("locked/inside", 0)
    os.chmod("locked", 0)
    return "made"
