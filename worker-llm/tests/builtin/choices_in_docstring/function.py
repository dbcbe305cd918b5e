def f(x, how):
    """Scale.

    Parameters
    ----------
    x : int or float
        Number.
    how : {'double', 'halve'}
        What to do.
    """
    return {'double': x * 2, 'halve': x / 2}[how]
