import fcntl, os

def attack():
    before = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (0, 1, 2)]
    for fd in (0, 1, 2):
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
    return [fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND > 0 for fd in (0, 1, 2)]
