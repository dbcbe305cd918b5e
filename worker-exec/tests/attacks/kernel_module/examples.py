examples = [dict(number=number) for number in (175, 313, 246)]
