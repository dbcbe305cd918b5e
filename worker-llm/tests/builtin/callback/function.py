def f(values, change):
    return [change(value) for value in values]
