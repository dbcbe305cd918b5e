g = 0
def attack():
    global g
    while g < 8_000_000: g += 1
    return 1
