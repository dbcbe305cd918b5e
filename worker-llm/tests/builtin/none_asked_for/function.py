def f(v):
    return '' if v is None else v + 1
