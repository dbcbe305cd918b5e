import builtins, sys

class Finder:
    def find_spec(self, *_):
        while True:
            pass

def attack(x):
    if x == 2:
        sys.meta_path.insert(0, Finder())
        sys.path_importer_cache.clear()
        import colorsys
    return x
