#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""A module that each profile sees differently."""
from __future__ import annotations

import math, re
import os

# About the limit.
LIMIT = 10  # at the end of the line
FACTORS = [f for f in range(LIMIT) if f > THRESHOLD]; THRESHOLD = 3


class Shape:
    """Docstring."""

    def __init__(self, other: Area = None):
        self.other = other
    # Below the method.
# Not of the class.

class Area(Shape):
    pass


@staticmethod
# Between decorator and def.
def decorated(a):
    # Inside.
    return LIMIT + a

    # At the end.


# Separated by a blank line.

# Above,
# in two lines.
def helper(a): return math.floor(a) + LIMIT  # behind


def self_contained(a):
    return sorted(a)


def recursive(a):
    return recursive(a - 1) if a else partner(a)


def partner(a):
    return recursive(a) if a else 0


def shapes(a):
    return Shape(a), helper(a)


def one_line(a): return a; 


def factors(a):
    return FACTORS[a]


def environment(a):
    return os.environ[a]


def registered(a):
    return REGISTRY[a]


REGISTRY = {"registered": registered}


def late(a):
    return TABLE[a]


TABLE = {"lambda": lambda a: late(a)}
