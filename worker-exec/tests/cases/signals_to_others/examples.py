examples = [dict(target=target) for target in (-1, 0, 1, 2, 3)]
