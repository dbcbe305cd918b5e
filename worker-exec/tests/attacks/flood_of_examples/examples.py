examples = [dict(x=1)] * 10**6
