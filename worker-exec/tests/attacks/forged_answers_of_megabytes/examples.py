examples = [dict(x=x) for x in range(60)]
