import gc, sys

def attack():
    wanted = "".join(["def ", "benign"])
    seen, queue = set(), gc.get_objects() + [sys._getframe()]
    for each in queue:
        for one in gc.get_referents(each):
            if type(one) is str and wanted in one:
                return "found"
    return "nothing"
