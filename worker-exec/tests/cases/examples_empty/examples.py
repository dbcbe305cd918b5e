examples = []
