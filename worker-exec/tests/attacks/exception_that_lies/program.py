class Meta(type):
    __name__ = __module__ = property(lambda cls: 1 / 0)
    def __repr__(cls):
        raise MemoryError

class Wrong(Exception, metaclass=Meta):
    __traceback__ = __class__ = property(lambda self: 1 / 0)

def attack(x):
    if x == 2:
        raise Wrong("truth")
    return x
