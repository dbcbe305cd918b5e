def one(a):
    return a + 3
