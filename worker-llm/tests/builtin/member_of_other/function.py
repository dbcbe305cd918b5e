def f(haystack, needle):
    return haystack.index(needle) if needle in haystack else -1
