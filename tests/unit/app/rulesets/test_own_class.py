"""A recorded run with a class of the user's own: decided again from any folder, by the file as it was, or told what is wrong."""

import json
from pathlib import Path

import pytest

from tests.unit.app.cli.test_bad_input import good_rows, import_spy, written
from tests.unit.app.conftest import Theo

CLASS = """
from theo.domain.orders import Side
from theo.strategy.user import Enter, Leave, UserStrategy


class Third(UserStrategy):
    numbers = {"close": "close"}

    def on_bar(self, seen):
        count = self.memory["count"] = self.memory.get("count", 0) + 1
        if seen.position:
            return Leave("third") if count % 3 == 0 else None
        return Enter(Side.BUY) if count % 3 == 1 else None
"""
RULES = """
name = "third"
strategy = "python"
timeframe = "15min"
target = "none"
[symbols]
primary = "SPY"
[python]
class = "mine/third.py:Third"
[stop]
percent = 1
[size]
quantity = 10
[trading]
style = "positional"
"""


@pytest.fixture
def home(theo: Theo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a backtest and a paper run of the class; the rule set lies in ``rules``, and was named relative to it."""
    rules = tmp_path / "rules"
    (rules / "mine").mkdir(parents=True)
    (rules / "mine" / "third.py").write_text(CLASS, encoding="utf-8")
    (rules / "third.toml").write_text(RULES, encoding="utf-8")
    assert import_spy(theo, tmp_path / "home", written(tmp_path / "spy.csv", good_rows()[:26])).code == 0
    monkeypatch.chdir(rules)
    for command in ("backtest", "paper"):
        said = theo("--home", tmp_path / "home", command, "third.toml")
        assert said.code == 0, said.err
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def test_it_is_decided_again_from_any_folder(theo: Theo, home: Path) -> None:
    assert theo("--home", home, "replay").code == 0
    said = theo("--home", home, "journal", "verify", "--redecide", "--json")
    assert (said.code, said.err) == (0, "")
    assert all(run["facts"] > 26 for run in json.loads(said.out))
    assert len(json.loads(theo("--home", home, "deals", "--json").out)) > 3


def test_a_class_that_is_gone_is_named(theo: Theo, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "rules" / "mine" / "third.py"
    file.rename(tmp_path / "third.py")
    said = theo("--home", home, "replay")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert f"no file {file}" in said.err
    said = theo("--home", home, "journal", "verify", "--redecide")
    assert said.code == 1
    assert f"no file {file}" in said.out


def test_a_class_that_was_changed_is_told(theo: Theo, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "rules" / "mine" / "third.py"
    file.write_text(CLASS.replace("% 3 == 1", "% 3 == 2"), encoding="utf-8")
    said = theo("--home", home, "replay")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert f"{file} is not what it was when the run began" in said.err
