import os, resource

def attack():
    other = 1 if os.getpid() != 1 else 2
    resource.prlimit(other, resource.RLIMIT_CORE, (0, 0))
    return "changed"
