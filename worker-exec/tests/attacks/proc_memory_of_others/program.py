import os

def attack(pid):
    with open("/proc/%s/maps" % (pid or os.getppid())) as file:
        start = next(int(line.split("-")[0], 16) for line in file if "[heap]" in line)
    with open("/proc/%s/mem" % (pid or os.getppid()), "rb") as file:
        file.seek(start)
        return len(file.read(4096))
