import sys

def attack(x):
    def hook(event, arguments):
        while True:
            pass
    if x == 2:
        sys.addaudithook(hook)
        compile("1", "", "eval")
    return x
