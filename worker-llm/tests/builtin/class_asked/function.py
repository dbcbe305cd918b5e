def f(kind, value):
    return kind.__name__ + str(isinstance(value, kind))
