# About the constant.
LIMIT = 0x10  # sixteen


def helper( x ):
  "Docstring, two blanks."
  # why
  return ( x
           + LIMIT )


def f(a, *, b: int=1, **rest) -> "int":
	if a: return helper(a)   # tab
	elif b:
		return f"{a!r:>{b}}" + 'it''s' + """three
lines"""
	return [x for x in (lambda y: y)(a) if not x] or {**rest, 'k': -1}


@staticmethod
def g(a):
    match a:
        case {"k": [x, *_]} if x: return x
    return 1_000.0e3 if (b := a) else (a,)
