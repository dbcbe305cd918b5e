class C:
    n = 0
    def __eq__(s, o):
        C.n += 1
        return C.n > 4_000_000
def attack():
    c = [C()]
    while not 1 in c: pass
    return 1
