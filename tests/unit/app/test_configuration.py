"""The configuration file and the environment: what is read, and what is refused, in words."""

from pathlib import Path

import pytest

from theo.app.configuration import configured
from theo.domain.errors import ConfigError
from theo.risk.limits import Limits


def test_a_missing_file_means_the_defaults(tmp_path: Path) -> None:
    assert configured(tmp_path / "theo.toml").limits == Limits()


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "theo.toml"
    file.write_text("[limits]\nopen_trades_max = 3\ntrades_per_day_max = 7\n[exchange]\nslippage_ticks = 2\n", encoding="utf-8")
    monkeypatch.setenv("THEO__LIMITS__OPEN_TRADES_MAX", "5")
    found = configured(file)
    assert (found.limits.open_trades_max, found.limits.trades_per_day_max, found.exchange.slippage_ticks) == (5, 7, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mod = 1\n", "unknown key mod"),
        ('mode = "live"\n', "no order leaves this machine"),
        ("[limits]\nopen_trades_max = -1\n", "open_trades_max"),
        ("[limits]\nopen_trade_max = 1\n", "open_trade_max"),
        ("[exchange]\nslippage_ticks = -2\n", "exchange.slippage_ticks"),
        ("mode = \n", "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "theo.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as raised:
        configured(file)
    assert str(file) in str(raised.value)
