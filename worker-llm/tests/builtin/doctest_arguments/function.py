def f(code, width=3):
    """
    >>> f('ab:cd', width=2)
    'cd'
    >>> f('x:y')
    'y'
    """
    left, right = code.split(':')
    return right * width + left
