import re


def attack(*a, at=re, **k):
    n = 1
    while n: n = 1
