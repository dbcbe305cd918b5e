def attack(path):
    with open(path, "rb") as file:
        return file.read(10)
