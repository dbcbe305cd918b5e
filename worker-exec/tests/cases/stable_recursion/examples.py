examples = [dict(x=1)]
