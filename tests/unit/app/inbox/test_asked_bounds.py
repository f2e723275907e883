"""Numbers that no order can have are refused by name before a running trader hears of them."""

from pathlib import Path

import pytest

from tests.unit.app.conftest import Theo

LIMIT = ("SIM-MES", "buy", "1", "--type", "LIMIT", "--stop", "1%")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*LIMIT, "--limit", "1e30"), "limit 1e30 is no price"),
        ((*LIMIT, "--limit", "1000000000"), "Prices are below 1,000,000,000"),
        ((*LIMIT, "--limit", "Infinity"), "limit Infinity is no price"),
        ((*LIMIT, "--limit", "100", "--target", "1e12%"), "target 1e12% is no price"),
        (("SIM-MES", "buy", "9999999999", "--stop", "1%"), "quantity 9,999,999,999"),
        (("SIM-MES", "buy", "0", "--risk-percent", "0.00001", "--stop", "1%"), "risk_percent 1e-05"),
        (("SIM-MES", "buy", "0", "--risk-percent", "nan", "--stop", "1%"), "risk_percent nan"),
    ],
)
@pytest.mark.parametrize("command", ["order", "signal"])
def test_a_number_of_no_order_is_refused_by_its_name(
    theo: Theo, copied: Path, command: str, words: tuple[str, ...], told: str
) -> None:
    said = theo("--home", copied, command, "create", *words)
    assert (said.code, told in said.err) == (2, True), said
