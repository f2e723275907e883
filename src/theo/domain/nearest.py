"""What a wrong name was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest_names(wrong: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'?`` when a known name is close, else what is known."""
    names = sorted(set(known))
    close = get_close_matches(wrong, names, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(repr(name) for name in close)}?"
    return f"Known are {', '.join(names)}."
