class C:
    def __init__(s): s.n = 0
    def __eq__(s, o):
        s.n += 1
        return s.n > 4_000_000
def attack():
    c = C()
    while not c == 1: pass
    return 1
