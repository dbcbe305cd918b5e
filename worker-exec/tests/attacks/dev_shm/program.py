from multiprocessing import shared_memory

def attack():
    memory = shared_memory.SharedMemory("left", create=True, size=1 << 20)
    memory.buf[0] = 1
    return "made"
