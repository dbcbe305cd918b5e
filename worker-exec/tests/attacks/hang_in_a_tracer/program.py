import sys

def attack(x):
    def trace(frame, event, argument):
        while True:
            pass
    if x == 2:
        sys._getframe(1).f_trace = trace
        sys.settrace(trace)
    return x
