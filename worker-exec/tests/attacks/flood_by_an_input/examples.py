examples = [dict(x="i" * 10**7), dict(x="i")]
