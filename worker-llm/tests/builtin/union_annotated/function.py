from typing import Optional, Union

def f(x: Union[int, str], y: Optional[list[int]] = None):
    return (type(x).__name__, y and len(y))
