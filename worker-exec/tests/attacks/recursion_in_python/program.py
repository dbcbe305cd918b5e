import sys

def attack(x):
    if x == 2:
        sys.setrecursionlimit(10**9)
        def down(number):
            return down(number + 1) + 1
        return down(0)
    return x
