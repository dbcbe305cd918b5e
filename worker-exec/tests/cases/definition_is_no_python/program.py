def attack(x:
