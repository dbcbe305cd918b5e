import builtins, sys

def attack(x, builtins=builtins, sys=sys, type=type):
    frame = sys._getframe(1)
    while frame:
        frame.f_globals.clear()
        frame = frame.f_back
    modules = [module for module in sys.modules.values() if type(module) is type(sys) and module is not sys]
    for module in [*modules, builtins]:
        module.__dict__.clear()
    sys.modules.clear()
    return x
