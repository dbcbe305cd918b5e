def f(node):
    return f'{node.name}: {node.price * 2}' if node.visible else None
