examples = [dict(kind=kind) for kind in ("json", "re", "ast", "pickle", "repr")]
