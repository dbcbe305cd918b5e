def merge(intervals):
    """Merge [start, end] pairs that overlap or touch."""
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def covered(intervals):
    return sum(end - start for start, end in merge(intervals))


def overlaps(a, b):
    return a[0] < b[1] and b[0] < a[1]


def contains(start: int, end: int, value: int) -> bool:
    if start > end:
        raise ValueError("the interval ends before it starts")
    return start <= value < end


def gaps(intervals):
    out = []
    joined = merge(intervals)
    for (_, end), (start, _) in zip(joined, joined[1:]):
        out.append([end, start])
    return out
