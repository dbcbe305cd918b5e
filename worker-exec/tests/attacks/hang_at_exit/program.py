import atexit

class Global:
    def __del__(self):
        while True:
            pass

kept = Global()

def attack():
    def hang():
        while True:
            pass
    atexit.register(hang)
    return "called"
