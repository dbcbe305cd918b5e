def g(a):
    return -a
