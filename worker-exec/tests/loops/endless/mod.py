def attack(x=1):
    while x: x = (x * 7 + 3) % 1009 or 1
