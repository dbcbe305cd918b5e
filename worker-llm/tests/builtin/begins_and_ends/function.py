def f(name):
    return name[:2] == '__' and name[-1] == '_'
