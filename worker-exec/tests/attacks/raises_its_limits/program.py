import resource

def attack(name):
    limit, infinite = getattr(resource, name), resource.RLIM_INFINITY
    resource.setrlimit(limit, (infinite, infinite))
    return resource.getrlimit(limit) == (infinite, infinite)
