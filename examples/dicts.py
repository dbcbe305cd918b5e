from collections import Counter, defaultdict


def invert(mapping):
    return {value: key for key, value in mapping.items()}


def merge_counts(a, b):
    """Add up two dicts of counts."""
    out = dict(a)
    for key, count in b.items():
        out[key] = out.get(key, 0) + count
    return out


def group_by_first_letter(words):
    groups = defaultdict(list)
    for word in words:
        groups[word[:1].lower()].append(word)
    return dict(groups)


def most_common(items, n=1):
    return [item for item, _ in Counter(items).most_common(n)]


def get_path(data, path, default=None):
    current = data
    for part in path.split("."):
        if not isinstance(current, dict) or part not in current:
            return default
        current = current[part]
    return current


def filter_keys(mapping: dict, keys: list) -> dict:
    return {k: v for k, v in mapping.items() if k in keys}


def load_settings(path):
    return yaml_loader.parse(path)
