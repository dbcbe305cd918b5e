def f(v):
    if isinstance(v, str):
        return len(v)
    if isinstance(v, list):
        return sum(v)
    return v
