def bom(a):
    return a + 1
