"""Small things one does to text."""
import re

VOWELS = "aeiou"


def count_vowels(text):
    """Count the vowels in text, whatever their case."""
    return sum(1 for ch in text.lower() if ch in VOWELS)


def reverse_words(sentence):
    return " ".join(reversed(sentence.split()))


def is_palindrome(text: str) -> bool:
    letters = [c.lower() for c in text if c.isalnum()]
    return letters == letters[::-1]


def slugify(title: str, sep: str = "-") -> str:
    """Turn a title into something that fits in a URL."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    return sep.join(words)


def camel_to_snake(name):
    out = ""
    for i, ch in enumerate(name):
        if ch.isupper() and i > 0:
            out += "_"
        out += ch.lower()
    return out


def truncate(text, width=20, suffix="..."):
    if len(text) <= width:
        return text
    if width < len(suffix):
        raise ValueError("width is too small for the suffix")
    return text[: width - len(suffix)] + suffix


def caesar(text, shift):
    result = []
    for ch in text:
        if ch.islower():
            result.append(chr((ord(ch) - 97 + shift) % 26 + 97))
        elif ch.isupper():
            result.append(chr((ord(ch) - 65 + shift) % 26 + 65))
        else:
            result.append(ch)
    return "".join(result)


def print_banner(text):
    print("=" * len(text))
    print(text)
