examples = [dict(number=129), dict(number=424)]
