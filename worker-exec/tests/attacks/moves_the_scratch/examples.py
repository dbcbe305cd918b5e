examples = [dict(how=how) for how in ("rename", "remove", "link")]
