"""Runs inside a sandbox: loads what programs may import, then forks one child per program. Standard library only,
Python 3.9 to 3.14, one thread. `sandbox-init` sends two descriptors per program: the job's and the answers'. Only the
child reads the job, after it has given up everything it does not need, so that a program inherits nothing of another.

Names that trusted code uses after the program has run are bound in closures before it starts: a program that replaces
`builtins.repr` or `len` does not change them. A program can still forge its own answers; nobody else's.

What a fork costs grows with the memory that the forking process has and with the pages that the child then touches:
so a lean runner serves programs that import nothing, and everything here does without modules that it can do without.
"""
import sys

sys.path[:] = [folder for folder in sys.path if folder]  # not the working folder

import _sitebuiltins
import _socket
import builtins
import ctypes
import gc
import opcode
import posix
import warnings

# What programs may import, and most do: loaded once, shared by all children of the rich runner.
PRELOAD = """__future__ abc array ast base64 binascii bisect calendar cmath collections collections.abc copy dataclasses
datetime decimal difflib enum fractions functools hashlib heapq html html.parser html.entities itertools json keyword
math numbers operator os random re statistics string struct textwrap types typing unicodedata uuid zlib _strptime
encodings.idna""".split()

# Exit status of a child whose own machinery ran out of memory.
OUT_OF_MEMORY = 71


def read_options(arguments):
    options = dict(argument.split("=", 1) for argument in arguments)
    text = ("scratch", "filter", "last_filter", "calls")
    return {key: value if key in text else int(value) for key, value in options.items()}


def preload(rich):
    for name in PRELOAD if rich else ():
        try:
            __import__(name)
        except ImportError:  # not in every version or build
            pass
    # Nobody reads it, and to show one loads modules.
    warnings.simplefilter("ignore", SyntaxWarning)
    # What `site` would have added.
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")


