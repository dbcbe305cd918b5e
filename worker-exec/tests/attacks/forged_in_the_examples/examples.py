forge(frame(b"N", b"\2\0\0\0") + frame(b"S", bytes(8)) + frame(b"R", b"lmemory"))
examples = [dict(x=1), dict(x=2), dict(x=3)]
