examples = [dict(x=1), dict(x=2), dict(x=50000), dict(x=3)]
