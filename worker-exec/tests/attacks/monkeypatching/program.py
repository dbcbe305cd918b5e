import builtins, json, os, random, struct

def attack(x):
    builtins.repr = lambda _: "'forged'"
    builtins.len = builtins.type = builtins.isinstance = builtins.str = builtins.bytes = lambda *_: "'forged'"
    json.loads = json.dumps = random.seed = struct.pack = None
    os.write = os._exit = os.read = lambda *_: 5
    return [x]
