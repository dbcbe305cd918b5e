import json
import re


def parse_query(query: str) -> dict:
    """Read `a=1&b=2` into a dict; later values win."""
    out = {}
    for pair in query.lstrip("?").split("&"):
        if pair:
            key, _, value = pair.partition("=")
            out[key] = value
    return out


def parse_version(text):
    match = re.fullmatch(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text.strip())
    if match is None:
        raise ValueError("not a version: " + text)
    return tuple(int(part or 0) for part in match.groups())


def parse_bool(text):
    value = text.strip().lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("not a boolean")


def split_csv_line(line, sep=","):
    cells, cell, quoted = [], "", False
    for ch in line:
        if ch == '"':
            quoted = not quoted
        elif ch == sep and not quoted:
            cells.append(cell)
            cell = ""
        else:
            cell += ch
    cells.append(cell)
    return cells


def json_keys(text):
    data = json.loads(text)
    return sorted(data) if isinstance(data, dict) else []


def evaluate_rpn(tokens):
    stack = []
    for token in tokens:
        if token in ("+", "-", "*"):
            b, a = stack.pop(), stack.pop()
            stack.append(a + b if token == "+" else a - b if token == "-" else a * b)
        else:
            stack.append(int(token))
    return stack[-1]


def balanced(text):
    pairs = {")": "(", "]": "[", "}": "{"}
    stack = []
    for ch in text:
        if ch in "([{":
            stack.append(ch)
        elif ch in pairs and (not stack or stack.pop() != pairs[ch]):
            return False
    return not stack
