"""The configuration file and the environment: what is read, and what is refused, in words."""

from pathlib import Path

import pytest

from theo.app.configuration.file import configured
from theo.domain.errors import ConfigError
from theo.risk.limits import Limits

REAL_MONEY = 'mode = "live"\n[live]\naccount = "U1"\nconfirm = "I trade real money on U1"\n'


def test_real_money_is_traded_only_where_everything_says_so(tmp_path: Path) -> None:
    file = tmp_path / "theo.toml"
    file.write_text(REAL_MONEY + "[ib]\nport = 4001\n", encoding="utf-8")
    found = configured(file)
    assert (found.mode, found.ib.live, found.ib.account, found.ib.port) == ("live", True, "U1", 4001)


def test_paper_is_meant_unless_said_otherwise(tmp_path: Path) -> None:
    found = configured(tmp_path / "theo.toml")
    assert (found.mode, found.ib.live, found.ib.port, found.ib.read_only) == ("virtual", False, 7497, False)


def test_data_may_be_read_from_a_live_login(tmp_path: Path) -> None:
    file = tmp_path / "theo.toml"
    file.write_text("[ib]\nport = 7496\nread_only = true\n", encoding="utf-8")
    assert configured(file).ib.read_only


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
        ('mode = "real"\n', "no order leaves this machine"),
        ('mode = "live"\n', "Name the account of real money"),
        ('mode = "live"\n[live]\naccount = "DU1"\n', "Name the account of real money"),
        ('mode = "live"\n[live]\naccount = "U1"\n', 'confirm = "I trade real money on U1"'),
        ('mode = "live"\n[live]\naccount = "U1"\nconfirm = "I trade real money on U2"\n', 'confirm = "I trade real money on U1"'),
        (REAL_MONEY, "port 7497 is not a port of live logins"),
        (REAL_MONEY + "[ib]\nport = 7496\nread_only = true\n", "read_only"),
        ('mode = "paper"\n[ib]\nport = 7496\n', "would be real"),
        ('mode = "paper"\n[ib]\naccount = "U1"\n', "begins with D"),
        ('mode = "paper"\n[ib]\nrestart = "25:00"\n', "ib.restart"),
        ("[ib]\nport = 0\n", "ib.port"),
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
