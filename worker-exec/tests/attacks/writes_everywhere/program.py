import os, sys

def attack():
    written = []
    folders = ["/", "/etc", "/usr", "/usr/lib", "/dev", "/dev/shm", "/dev/mqueue", "/var/tmp", "/var/lib", "/home", "/root", "/run", "/opt", "/srv",
               "/sys", "/proc", sys.prefix, os.path.dirname(os.__file__)]
    for folder in folders:
        try:
            with open(folder + "/left-over", "w") as file:
                file.write("x")
            written.append(folder)
        except OSError:
            pass
    return written
