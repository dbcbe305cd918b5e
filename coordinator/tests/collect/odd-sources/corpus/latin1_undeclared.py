def latin(a):
    return a + "é"
