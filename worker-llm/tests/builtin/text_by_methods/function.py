def f(p):
    return p.strip().split(',')[1].upper()
