examples = [dict(words=["w%d" % i for i in range(50)])]
