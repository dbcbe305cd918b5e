examples = [dict(path=path) for path in ("/escaped", "/etc/passwd", "/dev/shm/x", "/dev/mqueue/x", "/usr/x", "left-over")]
