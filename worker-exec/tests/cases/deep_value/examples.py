examples = [dict(depth=100), dict(depth=101), dict(depth=250)]
