import os

def attack(how):
    if how == "rename":
        os.rename(os.getcwd(), "/moved")
    if how == "remove":
        os.rmdir(os.getcwd())
    if how == "link":
        os.rmdir(os.getcwd())
        os.symlink("/", os.getcwd())
    return "moved"
