def f(when):
    return when.year * 12 + when.month
