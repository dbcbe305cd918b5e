examples = [dict(number=310), dict(number=311)]
