import threading, time

def attack():
    for _ in range(300):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return threading.active_count()
