import sys

def attack(x):
    def profile(frame, event, argument):
        while True:
            pass
    if x == 2:
        sys.setprofile(profile)
    return x
