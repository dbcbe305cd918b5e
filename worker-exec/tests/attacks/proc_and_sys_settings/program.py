def attack(path):
    with open(path, "r+"):
        return "opened"
