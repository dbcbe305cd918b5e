def attack(x=0):
    for _ in range(10**7): x = 0
    return x
