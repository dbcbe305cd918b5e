examples = [dict(year=2000)]
