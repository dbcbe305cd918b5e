import datetime

def attack(year):
    return datetime.date.today().year - year
