def f(a: dict[str, list[int]], b: "int | None" = None):
    return {key: sum(value) + (b or 0) for key, value in a.items()}
