"""Finds code that nothing uses: functions, classes, methods, imports, and lines that cannot be reached.

Fields and variables are reported only where vulture is nearly sure: a field of a stored value is written by one program and read
by another. Settings stand in pyproject.toml, [tool.vulture], each exemption with its reason.
"""

import sys
import tomllib
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parent.parent
CONFIDENCE_MIN = 60
CONFIDENCE_MIN_OF_DATA = 80
DATA = frozenset({"attribute", "variable"})


def unused(root: Path, paths: list[str], ignored_names: list[str], ignored_decorators: list[str]) -> list[str]:
    """`path:line: what` of everything under the paths that nothing uses."""
    search = Vulture(ignore_names=ignored_names, ignore_decorators=ignored_decorators)
    search.scavenge([str(root / path) for path in paths if (root / path).exists()])
    found = [
        item
        for item in search.get_unused_code(CONFIDENCE_MIN)
        if item.typ not in DATA or item.confidence >= CONFIDENCE_MIN_OF_DATA
    ]
    return [f"{Path(item.filename).relative_to(root)}:{item.first_lineno}: {item.message}" for item in found]


def main() -> None:
    """Print what is unused; exit 1 when there is any."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["vulture"]
    found = unused(ROOT, settings["paths"], settings["ignore_names"], settings["ignore_decorators"])
    print("\n".join(found) or "nothing is unused")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
