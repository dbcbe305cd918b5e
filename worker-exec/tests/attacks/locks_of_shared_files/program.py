import fcntl, os

def attack(path):
    fcntl.flock(os.open(path or os.__file__, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
    return "locked"
