def twofold(a):
    return a + 7
