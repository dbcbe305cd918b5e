class Problem(ValueError):
    """A value that a form cannot take."""


def check_age(age):
    if not isinstance(age, int):
        raise TypeError("age must be an integer")
    if age < 0 or age > 150:
        raise Problem(f"age {age} is out of range")
    return "minor" if age < 18 else "adult"


def check_password(password: str) -> list:
    """What is wrong with a password; an empty list if nothing is."""
    problems = []
    if len(password) < 8:
        problems.append("too short")
    if not any(c.isdigit() for c in password):
        problems.append("no digit")
    if password.lower() == password:
        problems.append("no capital")
    return problems


def luhn_valid(number):
    total = 0
    for i, ch in enumerate(reversed(number)):
        digit = int(ch)
        if i % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def is_email(text):
    name, at, host = text.partition("@")
    return bool(name and at and "." in host and " " not in text)


def grade(score, limits=(90, 75, 60)):
    if not 0 <= score <= 100:
        raise Problem("score must be between 0 and 100")
    for limit, letter in zip(limits, "ABC"):
        if score >= limit:
            return letter
    return "F"
