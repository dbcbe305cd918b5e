import builtins, sys

def attack(x, builtins=builtins, sys=sys):
    frame = sys._getframe(1)
    while frame:
        frame.f_globals.clear()
        frame = frame.f_back
    for module in [*sys.modules.values(), builtins]:
        if module is not sys:
            module.__dict__.clear()
    sys.modules.clear()
    return x
