def attack():
    with open("sparse", "wb") as file:
        file.truncate(1 << 40)
    return "made"
