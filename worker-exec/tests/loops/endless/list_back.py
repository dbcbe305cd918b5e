def attack(x=[1,2,3]):
    while x[0]: x[0], x[1] = x[1], x[0]
