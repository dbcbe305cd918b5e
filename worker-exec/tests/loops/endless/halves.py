def attack(lo=0, hi=10):
    while lo < hi:
        mid = (lo + hi) // 2
        if mid < 9.5: lo = mid
        else: hi = mid
