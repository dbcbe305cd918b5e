import builtins, sys

def attack(x):
    frame = sys._getframe(1)
    while frame and x == 2:
        frame.f_globals["repr"] = frame.f_globals["len"] = lambda _: "'forged'"
        frame = frame.f_back
    return x
