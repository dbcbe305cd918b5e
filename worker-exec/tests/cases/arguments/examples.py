examples = [dict(f=lambda v: v + 1, values=[1, 2])]
examples.extend([{"f": str.upper, "values": ["é", "b"]}, dict(f=abs, values=[float("inf")])])
