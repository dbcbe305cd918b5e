import builtins, sys

def attack(x):
    for name in ("repr", "len", "type", "isinstance", "sorted", "print", "BaseException", "MemoryError"):
        vars(builtins).pop(name, None)
    for name in list(sys.modules):
        if name not in ("sys", "builtins"):
            del sys.modules[name]
    return x
