def f(s):
    return sum(int(c) for c in s)
