def f(v):
    return len(v) - len(v.strip())
