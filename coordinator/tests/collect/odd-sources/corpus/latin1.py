# -*- coding: latin-1 -*-
def latin(a):
    return a + "é"
