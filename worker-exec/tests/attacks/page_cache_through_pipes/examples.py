examples = [dict(how=how) for how in ("splice", "tee", "sendfile")]
