"""Options and look-ups that the modules of the command line share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine to read.")]
HomeOption = Annotated[
    Path | None, typer.Option("--home", envvar="THEO_HOME", help="Directory of all data (default ~/.theo).", show_default=False)
]
RunOption = Annotated[
    str, typer.Option("--run", help="Of this run: own, demo or a kept run's name (default: your own, else the newest).")
]


def home_of(context: typer.Context) -> Path:
    """The data directory of this call."""
    found = context.find_root().obj
    assert isinstance(found, Path)
    return found
