examples = [dict(pid=1), dict(pid=0)]
