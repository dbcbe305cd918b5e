NUMERALS = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
            (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def to_roman(number: int) -> str:
    if not 0 < number < 4000:
        raise ValueError("number must be between 1 and 3999")
    out = ""
    for value, numeral in NUMERALS:
        while number >= value:
            out += numeral
            number -= value
    return out


def from_roman(text: str) -> int:
    total = 0
    for value, numeral in NUMERALS:
        while text.startswith(numeral):
            total += value
            text = text[len(numeral):]
    if text:
        raise ValueError("not a Roman numeral")
    return total


def add_roman(a, b):
    return to_roman(from_roman(a) + from_roman(b))
