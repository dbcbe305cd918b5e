inputs = [dict(x=1)]
