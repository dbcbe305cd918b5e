examples = [dict(x=1), 2]
