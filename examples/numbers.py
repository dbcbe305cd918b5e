import math
from functools import reduce


def gcd(a, b):
    while b:
        a, b = b, a % b
    return abs(a)


def lcm(numbers):
    """Least common multiple of a list of positive integers."""
    return reduce(lambda a, b: a * b // gcd(a, b), numbers, 1)


def is_prime(n: int) -> bool:
    if n < 2:
        return False
    for d in range(2, math.isqrt(n) + 1):
        if n % d == 0:
            return False
    return True


def prime_factors(n):
    factors = []
    d = 2
    while d * d <= n:
        while n % d == 0:
            factors.append(d)
            n //= d
        d += 1
    if n > 1:
        factors.append(n)
    return factors


def fibonacci(count):
    a, b = 0, 1
    out = []
    for _ in range(count):
        out.append(a)
        a, b = b, a + b
    return out


def digit_sum(n):
    return sum(int(d) for d in str(abs(n)))


def clamp(value: float, low: float = 0.0, high: float = 1.0) -> float:
    if low > high:
        raise ValueError("low is above high")
    return max(low, min(high, value))


def collatz_steps(n):
    if n < 1:
        raise ValueError("n must be positive")
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def to_base(number, base):
    digits = "0123456789abcdef"
    if not 2 <= base <= 16:
        raise ValueError("base must be between 2 and 16")
    if number == 0:
        return "0"
    sign, number = ("-", -number) if number < 0 else ("", number)
    out = ""
    while number:
        number, rest = divmod(number, base)
        out = digits[rest] + out
    return sign + out


def answer():
    return 42


def log_growth(values):
    import math
    return [round(math.log(v), 3) for v in values]
