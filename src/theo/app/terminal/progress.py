"""A bar on standard error while something takes long; nothing where no person looks."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn


def progress_bar(*columns: ProgressColumn | str) -> Progress:
    """A bar of these columns, or of rich's usual ones, that goes when it ends."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def counted_bar() -> Progress:
    """A bar that says how many of how many are done."""
    return progress_bar(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
