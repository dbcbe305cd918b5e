def f(o):
    return o['width'] * o['height'] + o.get('margin', 0)
