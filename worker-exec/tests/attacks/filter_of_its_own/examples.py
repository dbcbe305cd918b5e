examples = [dict(older=False), dict(older=True)]
