examples = [0] * (1 << 34)
