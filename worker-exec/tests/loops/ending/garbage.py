class N:
    def __init__(self):
        self.me = self

    def __del__(self):
        global flag, count
        count += 1
        if count > 60000:
            flag = 0
        else:
            N()


flag, count = 1, 0


def attack():
    global flag, count
    flag, count = 1, 0
    N()
    while flag:
        x = [None]
        x[0] = x
    return 1
