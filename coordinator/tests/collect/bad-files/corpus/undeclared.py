def f(a):
    return 'ä'
