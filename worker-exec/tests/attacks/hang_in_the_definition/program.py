def attack():
    pass

while True:
    pass
