import array, fcntl

def attack():
    GET_FLAGS, SET_FLAGS, IMMUTABLE = 0x80086601, 0x40086602, 0x10
    with open("file", "w") as file:
        flags = array.array("L", [0])
        fcntl.ioctl(file, GET_FLAGS, flags)
        flags[0] |= IMMUTABLE
        fcntl.ioctl(file, SET_FLAGS, flags)
    return "made"
