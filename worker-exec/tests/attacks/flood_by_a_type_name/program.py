def attack(x):
    raise type("N" * 10**6, (Exception,), {})
