def ff(a):
    return a + 4

def gg(a):
    return a + 44
