import time
from datetime import datetime

def attack(form):
    return time.strftime(form) if form else datetime.now().strftime("%Y")
