import os

def attack(how):
    if how == "nice":
        os.nice(-5)
    else:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "preferred"
