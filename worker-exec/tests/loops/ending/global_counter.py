g = 0
def h():
    global g
    g += 1
    return g
def attack():
    while h() < 5_000_000: pass
    return 1
