def f(name):
    return name.endswith(('.png', '.jpg'))
