def attack():
    return @1
