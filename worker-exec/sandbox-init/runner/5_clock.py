# A clock that is a year on, for the second execution: what depends on the date gives another answer there.

AHEAD = 31_557_600  # seconds


def shift_clock(source):
    """Replaces what tells the time in `time`, and in `datetime` where the source asks it for the time: values there keep
    their classes, and only the names of the classes stand for something else."""
    time, datetime = sys.modules.get("time"), sys.modules.get("datetime")
    if time is not None and "time" in source:
        now, nanoseconds, gmtime, localtime = time.time, time.time_ns, time.gmtime, time.localtime
        asctime, strftime = time.asctime, time.strftime
        time.time = lambda: now() + AHEAD
        time.time_ns = lambda: nanoseconds() + AHEAD * 10**9
        time.gmtime = lambda seconds=None: gmtime(now() + AHEAD if seconds is None else seconds)
        time.localtime = lambda seconds=None: localtime(now() + AHEAD if seconds is None else seconds)
        time.asctime = lambda parts=None: asctime(time.localtime() if parts is None else parts)
        time.ctime = lambda seconds=None: asctime(time.localtime(seconds))
        time.strftime = lambda text, parts=None: strftime(text, time.localtime() if parts is None else parts)
    if datetime is not None and ("now(" in source or "today(" in source):
        later = datetime.timedelta(seconds=AHEAD)
        datetime.date, datetime.datetime = shifted_class(datetime.date, later), shifted_class(datetime.datetime, later)


def shifted_class(real, later):
    """A stand-in for `date` or `datetime` that makes values of the real class."""

    class Meta(type(real)):
        def __instancecheck__(cls, value):
            return isinstance(value, real) if cls is Shifted else super().__instancecheck__(value)

        def __subclasscheck__(cls, other):
            return issubclass(other, real) if cls is Shifted else super().__subclasscheck__(other)

    class Shifted(real, metaclass=Meta):
        __slots__ = ()

        def __new__(cls, *arguments, **named):
            return real.__new__(real if cls is Shifted else cls, *arguments, **named)

        @classmethod
        def today(cls):
            return super().today() + later

        if hasattr(real, "now"):

            @classmethod
            def now(cls, tz=None):
                return super().now(tz) + later

            @classmethod
            def utcnow(cls):
                return super().utcnow() + later

    Shifted.__name__ = Shifted.__qualname__ = real.__name__
    Shifted.__module__ = real.__module__
    return Shifted


