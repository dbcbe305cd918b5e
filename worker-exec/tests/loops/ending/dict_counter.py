def attack():
    d = {'k': {'n': 0}}
    while d['k']['n'] < 3_000_000: d['k']['n'] += 1
    return 1
