LIMIT = 100
def attack(x):
    return "shadow"
examples = [dict(x=LIMIT), dict(x=2)]
