import signal

def attack(x):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while x == 2:
        try:
            while True:
                pass
        except BaseException:
            pass
    return x
