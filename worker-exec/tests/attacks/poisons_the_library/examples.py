examples = [dict(compiled=False), dict(compiled=True)]
