import datetime as d
from datetime import date, datetime

class Day(date):
    pass

def attack(text):
    # Mentions d.datetime.now() and date.today(), and uses neither.
    day = date.fromisoformat(text)
    moment = datetime(day.year, day.month, day.day, 12) - d.timedelta(days=1)
    own = Day(day.year, 1, 2)
    same = isinstance(day, date), isinstance(moment, date), isinstance(own, Day), isinstance(day, Day), isinstance(day, datetime)
    return moment, own.isoformat(), type(own).__name__, repr(date.max), datetime.strptime(text, "%Y-%m-%d"), same, max(day, date(1999, 1, 1))
