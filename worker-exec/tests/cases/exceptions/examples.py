examples = [dict(x=x) for x in range(7)] + [dict(y=1)]
