examples = [dict(items=[1]), dict(items=[])]
