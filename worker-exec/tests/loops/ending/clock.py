import time
def attack():
    t = time.process_time()
    while time.process_time() < t + 0.8: pass
    return 1
