"""Each screen, and what is near it and passes."""
import random
import random as rnd
import uuid
from datetime import date, datetime as dt
from random import choice, Random


def counts_down(n):
    while n:
        yield n
        n -= 1
    return


def makes_a_generator(n):
    return (k * k for k in range(n))


def yields_inside_a_lambda(n):
    f = lambda: (yield n)
    return len(str(n)) + (f is None)


def method(self, value):
    return value + 1


def view(request, pk):
    return pk


def view_or_not(pk, request=None):
    return [pk, request]


def says_nothing(a):
    """A docstring."""
    return 5


def gives_an_empty_list(a):
    return []


def not_yet(a):
    if False:
        return a
    raise NotImplementedError


def refuses(a):
    raise NotImplementedError("later")
    return None


def gives_back_a_name(a):
    return a


def asks(question):
    return input(question)


def parameter_called_input(input):
    return input + 1


def local_called_open(path):
    open = len
    return open(path)


def reads_a_file(path):
    with open(path) as file:
        return file.read()


def its_helper_reads_a_file(path, n):
    return reads_a_file(path)[:n]


def today(days):
    return date.today().toordinal() + days


def now(fmt):
    return dt.now().strftime(fmt)


def a_given_day(y, m, d):
    return date(y, m, d).isoformat()


def name_based(text):
    return uuid.uuid5(uuid.NAMESPACE_DNS, text).hex


def at_random(text):
    return text + uuid.uuid4().hex


def draws(items):
    return choice(items)


def draws_too(items):
    return rnd.choice(items)


def draws_with_a_seed(items, seed):
    random.seed(seed)
    return random.choice(items)


def draws_with_its_own(items, seed):
    return Random(seed).choice(items)


def draws_with_its_own_without_seed(items):
    return Random().choice(items)


def random_as_a_parameter(random):
    return random.choice
