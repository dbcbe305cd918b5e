examples = [dict(text="2024-02-29")]
