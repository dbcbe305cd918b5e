import os

def attack():
    with open("file", "w"):
        pass
    os.setxattr("file", "user.secret", b"text")
    return os.listxattr("file")
