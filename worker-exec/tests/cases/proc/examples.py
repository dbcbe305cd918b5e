examples = [dict(path="/proc/%s" % name) for name in ("1/environ", "self/maps", "2/mem", "version")]
