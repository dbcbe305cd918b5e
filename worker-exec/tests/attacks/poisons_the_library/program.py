import importlib.util, json

def attack(compiled):
    path = importlib.util.cache_from_source(json.__file__) if compiled else json.__file__
    with open(path, "ab") as file:
        file.write(b"#")
    return "written"
