def f(p):
    a, b = p
    return a - b
