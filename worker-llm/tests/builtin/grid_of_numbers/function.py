def f(g):
    total = 0
    for row in g:
        for cell in row:
            total += cell * 2
    return total
