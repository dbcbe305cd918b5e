examples = [dict(how=how) for how in ("groups", "gid", "uid")]
