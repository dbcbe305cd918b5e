def half(v):
    return v.replace('-', '').lower()

def f(thing):
    return half(thing) + '!'
