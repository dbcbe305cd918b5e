import os, time

def attack():
    made = 0
    while made < 200:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
    return made
