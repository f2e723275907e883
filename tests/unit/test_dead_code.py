from pathlib import Path

from tools.dead_code import unused


def test_what_nothing_uses_is_found_and_the_rest_is_not(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text(
        "import os\n"
        "class Kept:\n"
        "    field: int\n"
        "def used():\n"
        "    return Kept\n"
        "def forgotten():\n"
        "    return 1\n"
        "def test_named():\n"
        "    return used()\n"
    )
    assert unused(tmp_path, ["part.py", "absent"], ["test_*"], []) == [
        "part.py:1: unused import 'os'",
        "part.py:6: unused function 'forgotten'",
    ]
