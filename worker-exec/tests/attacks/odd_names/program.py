def attack():
    for name in (b"n" * 255, b"\xff\xfe", b"-rf", b"\n", b" ", b"..."):
        with open(name, "wb"):
            pass
    return "made"
