def attack():
    with open("left-over", "wb") as file:
        for _ in range(64):
            file.write(b"x" * (1 << 20))
    return "written"
