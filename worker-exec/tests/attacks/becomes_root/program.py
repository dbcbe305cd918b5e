import os

def attack(how):
    if how == "uid":
        os.setresuid(12345, 12345, 12345)
    if how == "gid":
        os.setresgid(12345, 12345, 12345)
    if how == "groups":
        os.setgroups([0])
    return "changed"
