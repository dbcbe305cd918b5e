def f(thing):
    return getattr(thing, 'count', 0) + 1 if hasattr(thing, 'count') else -1
