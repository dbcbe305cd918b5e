def f(numbers):
    first = next(numbers)
    return first + sum(numbers)
