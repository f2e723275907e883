"""How often the interpreter looks for garbage in cycles: seldom.

Nearly all that the platform makes ends by counting references, and each look walks what lives: a tenth of a long backtest, and
a pause between a tick and its order.
"""

import gc

NEW_OBJECTS = 100_000  # between two looks at the youngest ones: what garbage in cycles may hold meanwhile, some tens of megabytes
YOUNG_LOOKS, OLDER_LOOKS = 20, 50


def collect_seldom() -> None:
    """For the whole process."""
    gc.set_threshold(NEW_OBJECTS, YOUNG_LOOKS, OLDER_LOOKS)
