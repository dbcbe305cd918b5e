def g():
    n = 0
    while True:
        n += 1
        yield n
def attack():
    x = g()
    while x.send(None) < 4_000_000: pass
    return 1
