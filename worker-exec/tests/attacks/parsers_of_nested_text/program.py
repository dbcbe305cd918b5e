import ast, json, pickle, re

def attack(kind):
    depth = 100000
    if kind == "json":
        return json.loads("[" * depth)
    if kind == "re":
        return re.compile("(" * depth + ")" * depth)
    if kind == "ast":
        return ast.literal_eval("[" * depth + "]" * depth)
    value = []
    for _ in range(depth):
        value = [value]
    return pickle.dumps(value) if kind == "pickle" else value
