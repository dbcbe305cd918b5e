import signal, time

def attack():
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(0.5)
    return "alive"
