"""Names in every kind of scope. explain.jsonl is what CPython 3.11's symbol tables say about this file."""
from __future__ import annotations
import collections.abc, math as m
import numpy as np
from typing import *
from re import sub as replace, split
import re

LIMIT = 10
PAIR, OTHER = 1, 2
annotated: int = 3
declared: int
(grouped): int = 4
twice = 1
twice = 2
table = {"f": lambda x: helper(x) + missing_in_lambda}
if LIMIT:
    conditional = 1
for looped in range(3):
    pass
counter = 0
counter += 1
gone = 1
del gone
walrus_list = [(last := v) for v in range(3)]
chained = also = 0
first = 1; second = first + LIMIT


def helper(x):
    return LIMIT + m.floor(x) + recursion_partner(x)


def recursion_partner(x):
    return helper(x) if x else 0


def plain(a, b=LIMIT, *args: undefined_annotation, c=annotated, **kw) -> "string_annotation":
    return a + b


def reads(a):
    return PAIR, declared, grouped, twice, conditional, looped, counter, gone, last, chained, first, second


def unresolved_import(a):
    return np.array(a), Optional, replace(a), re.match(a), collections.abc.Mapping


def globals_declared(a):
    global made, re, read_only
    made = a
    return made


def global_import(a):
    global split
    import split
    return a


def nested_globals(a):
    x = 1

    def inner():
        global x

        def innermost():
            return x
        return innermost
    return inner


def nonlocals(a):
    count = 0

    class Holder:
        nonlocal count
        count = a
        field = field_default
        __private = a

        def method(self):
            return __class__, super().method, field, self.__private, __mangled, __dunder__
    return Holder, count


def super_outside(a):
    return super(a)


def comprehensions(a):
    squares = [x * y for x in a if x > LIMIT for y in outer_iterable]
    lookup = {k: v for k, v in a.items() if (seen := k)}
    lazy = (z for z in lazy_iterable)
    inside = {w for w in [lambda q: w + q + free_in_lambda]}
    return x, seen, squares, lookup, lazy, inside


def global_walrus(a):
    global kept
    return [(kept := v) for v in a]


def class_comprehension(a):
    class Inner:
        size = 3
        values = [size for _ in range(size)]
    return Inner


def handlers(a):
    try:
        with open(a) as stream, context() as (left, right):
            return stream, left, right
    except (ValueError, CustomError) as error:
        return error


def matching(a):
    match a:
        case [head, *tail] | {"k": head, **tail}:
            return head, tail
        case Point(x=px, y=0) if px > THRESHOLD:
            return px
        case constants.ORIGIN as origin:
            return origin
        case _:
            return other


def deletes(a):
    del a, local_deleted
    return local_deleted


def augmented(a):
    total += a
    return total


def augmented_global(a):
    global grand_total
    grand_total += a
    return a


def local_annotation(a):
    value: AnnotatedType
    (grouped_local): GroupedType = 1
    a.attribute: AttributeType = 2
    return value, grouped_local


@decorate(LIMIT)
@staticmethod
def decorated(a):
    return a


async def coroutine(a):
    return a


def awaits(a):
    async def run(b):
        async with b as c, d as e:
            async for f in c:
                await e
        return [g async for g in b]
    return run


def lambdas(a):
    return lambda b, *c, d=a, e=outer_default, **f: (a, b, c, d, e, f, g)


def strings(a):
    return f"{a!r:>{width}} {b} {f'{c}'} {a=}" "{d}" f"{e}"


def starred(*, keyword):
    return [*keyword, *starred_free], {**keyword, **double_free}


def positional(a, /):
    return a


def generator(a):
    yield from a
    return (yield a)


def imports(a):
    import os.path as path, sys
    from . import sibling
    return path, sys, sibling


def imports_in_class(a):
    class C:
        from os import getcwd
    return C


def nested(a):
    def inner():
        return a
    return inner


def nested_deeper(a):
    if a:
        def inner():
            return a
    return inner


def nothing(a):
    pass


def no_arguments():
    return 1


def unicode_name(ℌ):
    return H + ﬁ


def builtins_only(a):
    return len(sorted(a)), __name__, __file__, __builtins__, __spec__, WindowsError, exit, reveal_type


def carries_class(a):
    return Shape(a)


class Shape(Base := object, metaclass=type):
    limit = LIMIT

    @property
    def area(self) -> Area:
        return self.limit * m.pi


class Area:
    def __init__(self, shape: Shape = None):
        self.shape = shape


def redefined(a):
    return a


def redefined(a):
    return redefined(a - 1) if a else 0


def uses_redefined(a):
    return redefined(a)


def shadowed_builtin(a):
    return list(a)


def subscripts(a):
    a[index] = value
    a.b[lower:upper].c += step
    for a.item in things:
        pass
    return [x for a.x in a]


def conditional_expression(a):
    assert a, message
    raise Error(a) from cause
    return yes if test else no


def loops(a):
    while running:
        break
    else:
        finished
    for i, (j, *k) in a:
        continue
    return i, j, k


if __name__ == "__main__":
    def guarded(a):
        return a
