examples = [dict(number=162), dict(number=306)]
