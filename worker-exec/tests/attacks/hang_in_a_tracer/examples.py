examples = [dict(x=1), dict(x=2), dict(x=3)]
