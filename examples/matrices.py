def transpose(matrix):
    return [list(row) for row in zip(*matrix)]


def multiply(a, b):
    if len(a[0]) != len(b):
        raise ValueError("the shapes do not fit")
    return [[sum(x * y for x, y in zip(row, col)) for col in zip(*b)] for row in a]


def identity(n: int) -> list:
    return [[1 if i == j else 0 for j in range(n)] for i in range(n)]


def trace(matrix):
    total = 0
    for i in range(len(matrix)):
        total += matrix[i][i]
    return total


def spiral(matrix):
    """Values of a matrix, clockwise from the top left corner."""
    rows = [list(row) for row in matrix]
    out = []
    while rows:
        out += rows.pop(0)
        rows = [list(row) for row in zip(*rows)][::-1]
    return out


def show(matrix):
    for row in matrix:
        print(*row)
