"""An aligned table on standard output: as wide as its content, so that a pipe or a narrow terminal cuts nothing off."""

from collections.abc import Collection, Sequence

GAP = "  "


def wide_table(names: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str] = ()) -> None:
    """Print ``rows`` under ``names``; the columns in ``right`` are aligned to the right."""
    for line in table_lines(names, rows, right=right):
        print(line)


def table_lines(names: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str] = ()) -> list[str]:
    """The table as lines, headings first."""
    widths = [max(len(row[at]) for row in (names, *rows)) for at in range(len(names))]
    return [
        GAP.join(
            text.rjust(width) if name in right else text.ljust(width)
            for name, text, width in zip(names, row, widths, strict=True)
        ).rstrip()
        for row in (names, *rows)
    ]
