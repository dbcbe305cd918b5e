class Key:
    def __hash__(self):
        while True:
            pass

examples = [dict(x={Key(): 1})]
