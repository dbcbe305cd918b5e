import zlib

def attack(x):
    deflate = zlib.compressobj(1, wbits=-15)
    part = deflate.compress(bytes(1 << 24)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return len(zlib.decompress(part * (64 if x == 2 else x) + deflate.flush(), -15, 1 << 30 if x == 2 else 1 << 16))
