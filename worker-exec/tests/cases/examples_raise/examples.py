examples = [dict(x=undefined)]
