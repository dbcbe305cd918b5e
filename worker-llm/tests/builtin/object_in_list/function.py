def f(shapes):
    return sum(shape.width * shape.height for shape in shapes)
