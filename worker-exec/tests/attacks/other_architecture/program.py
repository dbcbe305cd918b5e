import ctypes, mmap

def attack(x):
    if x == 2:
        code = mmap.mmap(-1, 4096, prot=7)
        code.write(b"\xb8\x14\0\0\0\xcd\x80\xc3")  # getpid; int 0x80
        function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
        return "made" if function() > 0 else "refused"
    return x
