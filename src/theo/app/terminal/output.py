"""What a program reads on standard output."""

import csv as csv_module
import sys
from collections.abc import Mapping, Sequence

import msgspec


def json_text(value: object) -> str:
    """In one line; what is no number is null."""
    return msgspec.json.encode(value).decode()


def print_rows(names: Sequence[str], rows: Sequence[Mapping[str, object]], *, csv: bool) -> None:
    """As JSON; with ``csv`` as lines under the names."""
    if not csv:
        print(json_text(rows))
        return
    writer = csv_module.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
