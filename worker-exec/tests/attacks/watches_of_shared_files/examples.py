examples = [dict(number=253), dict(number=294)]
