from itertools import groupby


def run_length_encode(text):
    return [(ch, len(list(run))) for ch, run in groupby(text)]


def run_length_decode(pairs):
    return "".join(ch * count for ch, count in pairs)


def to_hex(text: str) -> str:
    return " ".join(f"{byte:02x}" for byte in text.encode("utf-8"))


def checksum(text):
    total = 0
    for i, ch in enumerate(text, start=1):
        total = (total + i * ord(ch)) % 65521
    return total


def hamming_distance(a, b):
    if len(a) != len(b):
        raise ValueError("lengths differ")
    return sum(x != y for x, y in zip(a, b))
