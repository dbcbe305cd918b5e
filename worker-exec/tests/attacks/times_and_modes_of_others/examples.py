examples = [dict(path=path) for path in ("", "/dev/null", "/")]
