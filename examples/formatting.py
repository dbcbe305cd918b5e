UNITS = ("B", "KB", "MB", "GB", "TB")


def human_size(size):
    """Bytes for people: 1536 is 1.5 KB."""
    size = float(size)
    for unit in UNITS:
        if abs(size) < 1024 or unit == UNITS[-1]:
            return f"{size:.1f} {unit}"
        size /= 1024


def ordinal(n: int) -> str:
    if 10 <= n % 100 <= 20:
        return f"{n}th"
    return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th') }"


def thousands(n, sep=","):
    return f"{n:,}".replace(",", sep)


def pad_columns(words, width=8):
    return "|".join(word.ljust(width) for word in words)


def join_names(names):
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]


def wrap(text, width):
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        lines.append(line)
    return lines


def mask_card(number: str) -> str:
    digits = number.replace(" ", "")
    return "*" * max(0, len(digits) - 4) + digits[-4:]


def render_page(title):
    return templates.render("page.html", title=title)
