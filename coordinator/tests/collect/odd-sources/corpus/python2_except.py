def two(a):
    try:
        return a
    except Exception, e:
        return e
