def f(h):
    return h.startswith(b'\x89PNG') or h[:2] in (b'BM', b'II')
