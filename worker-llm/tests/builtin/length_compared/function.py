def f(code):
    if len(code) == 8:
        return 'short'
    if len(code) == 12:
        return 'long'
    return 'wrong'
