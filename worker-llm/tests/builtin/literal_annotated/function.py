from typing import Literal

def f(mode: Literal['fast', 'slow', 'off']):
    return {'fast': 1, 'slow': 2, 'off': 3}[mode]
