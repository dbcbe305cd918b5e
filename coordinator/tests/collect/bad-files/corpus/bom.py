def with_bom(a):
    return a + 8
