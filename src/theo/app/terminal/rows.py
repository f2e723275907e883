"""Rows for a program that reads standard output."""

import csv as csv_module
import json
import sys
from collections.abc import Mapping, Sequence


def print_rows(names: Sequence[str], rows: Sequence[Mapping[str, object]], *, csv: bool) -> None:
    """As JSON; with ``csv`` as lines under the names."""
    if not csv:
        print(json.dumps(rows))
        return
    writer = csv_module.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
