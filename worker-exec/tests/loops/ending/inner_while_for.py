def attack(x=0):
    for _ in range(10**5):
        y = 0
        while y < 50: y += 1
    return x
