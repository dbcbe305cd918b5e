class C:
    n = 0

    def __bool__(self):
        C.n += 1
        return C.n < 3_000_000


def attack():
    c = C()
    while c: pass
    return 1
