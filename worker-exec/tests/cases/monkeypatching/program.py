import builtins, json, random

def attack(x):
    builtins.repr = builtins.len = builtins.type = builtins.isinstance = lambda *_: "patched"
    json.loads = json.dumps = random.seed = None
    return [x]
