import itertools
base = 3
examples = [dict(x=1), {"x": 4, "y": base}]
examples += [dict(x=9, y=len("ab"))]
examples.append(dict(x=float("16")))
