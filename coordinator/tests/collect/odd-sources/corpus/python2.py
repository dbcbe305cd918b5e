def two(a):
    print "x", a
    return a
