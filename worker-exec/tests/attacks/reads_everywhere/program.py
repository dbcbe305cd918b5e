import os

def attack():
    read = []
    for path in ("/etc/passwd", "/etc/shadow", "/etc/hostname", "/etc/resolv.conf", "/root", "/home", "/var/log", "/proc/cmdline", "/sys/class", "/sandbox-init"):
        try:
            os.listdir(path) if os.path.isdir(path) else open(path, "rb").read()
            read.append(path)
        except OSError:
            pass
    return read
