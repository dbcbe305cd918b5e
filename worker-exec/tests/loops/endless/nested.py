def attack(n=5):
    i = 0
    while i < n:
        j = 0
        while j < 4: j += 1
        i = 0
