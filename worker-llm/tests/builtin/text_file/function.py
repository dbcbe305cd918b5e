def f(file):
    lines = file.readlines()
    return [line.strip().upper() for line in lines]
