import mmap, os

def attack(x):
    maps = []
    for name in ("one", "two")[: x if x < 3 else 1]:
        with open(name, "w+b") as file:
            file.truncate(12 << 20)
            maps.append(mmap.mmap(file.fileno(), 0))
    for each in maps:
        for at in range(0, len(each), 4096):
            each[at] = 1
    return "written"
