"""`theo market` and `theo download` as a person types them, beside a `theo gateway` in another process."""

import json
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.gateway.test_command import started
from theo.app.cli import main

Theo = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose configuration names a gateway that runs."""
    made = tmp_path_factory.mktemp("home")
    with started(made, "--port", "0", "--plain", "--speed", "20", "--start", "2026-11-20T10:00") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "127.0.0.1:" in line, process.communicate()
        port = line.split("127.0.0.1:")[1].split(",")[0]
        (made / "theo.toml").write_text(f"[ib]\nport = {port}\n")
        yield made


@pytest.fixture
def theo(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Theo:
    """A command in this process, which saves its start: exit code, output, errors."""

    def call(home: Path, *words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["theo", "--home", str(home), *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


def test_answers_in_words_and_for_machines(home: Path, theo: Theo) -> None:
    code, said, wrong = theo(home, "market", "status", "SPY", "MES")
    assert (code, wrong) == (0, "")
    assert "SPY: regular until 2026-11-20 16:00 New York" in said
    (price,) = json.loads(theo(home, "market", "price", "SPY", "--json")[1])
    assert price["symbol"] == "SPY"
    assert float(price["answer"]["price"]) > 0
    assert price["answer"]["phase"] == "regular"
    for words, part in (
        (("validate", "MES"), "MESZ6"),
        (("snapshot", "SPY"), "volume"),
        (("chain", "SPY"), "expiries"),
        (("depth", "MES", "--rows", "2"), "bid"),
    ):
        code, said, wrong = theo(home, "market", *words)
        assert (code, part in said) == (0, True), wrong


def test_the_option_of_a_signal_is_of_the_chain_and_in_its_band(home: Path, theo: Theo) -> None:
    words = ("--expiry", "monthly", "--near", "5", "--far", "20", "--json")
    for side, category, right, low, high in (("long", "ITM", "CALL", 5, 20), ("short", "OTM", "PUT", -20, -5)):
        code, said, wrong = theo(home, "market", "option", "SPY", "--side", side, "--category", category, *words)
        assert code == 0, wrong
        found = json.loads(said)[0]["answer"]
        strike, price, points = (Decimal(found[name]) for name in ("strike", "price", "points_in_the_money"))
        assert found["right"] == right
        assert points == (price - strike if right == "CALL" else strike - price)
        assert low <= points <= high
        code, chain, _ = theo(home, "market", "chain", "SPY", "--json")
        listed = [each for each in json.loads(chain)[0]["answer"] if each["exchange"] == found["exchange"]]
        assert any(found["expiry"].replace("-", "") in each["expiries"] for each in listed)
        assert any(strike in map(Decimal, each["strikes"]) for each in listed)
    (home / "theo.toml").write_text(f"{(home / 'theo.toml').read_text()}[options.SPY]\nnear = 30\nfar = 60\n")
    code, said, wrong = theo(home, "market", "option", "SPY", "--side", "long", "--category", "ITM", "--json")
    assert code == 0, wrong
    assert 30 <= Decimal(json.loads(said)[0]["answer"]["points_in_the_money"]) <= 60
    code, _, wrong = theo(home, "market", "option", "SPY", "--side", "long", "--category", "ITM", "--near", "70")
    assert (code, "--near 70" in wrong) == (2, True), wrong
    deep = ("--category", "DITM", "--near", "9000", "--far", "9999")
    code, _, wrong = theo(home, "market", "option", "SPY", "--side", "long", *deep)
    assert (code, "no option on SPY fits" in wrong) == (1, True), wrong


def test_errors_are_sentences_with_a_remedy(home: Path, tmp_path: Path, theo: Theo) -> None:
    for words, exits, part in (
        (("market", "price", "NOSUCH"), 2, "symbol 'NOSUCH' is not known"),
        (("market", "fundamentals", "SPY"), 1, "Polygon"),
        (("market", "actions", "SPY"), 1, "Polygon"),
        (("download", "SPY", "--timeframe", "15min", "--from", "20261119", "--to", "20261101"), 2, "--from"),
        (("download", "SPY", "--timeframe", "45min", "--from", "20261101"), 2, "2700 seconds"),
    ):
        code, said, wrong = theo(home, *words)
        assert (code, said) == (exits, ""), wrong
        assert part in wrong
    (tmp_path / "theo.toml").write_text("[ib]\nport = 1\n")
    code, _, wrong = theo(tmp_path, "market", "price", "SPY")
    assert (code, "no answer from TWS" in wrong) == (2, True), wrong
    code, said, _ = theo(home, "market", "depth", "VIX", "SPY", "--json")
    assert code == 1
    refused, given = json.loads(said)
    assert "error" in refused
    assert given["answer"]["bids"]


def test_a_download_is_listed_in_the_store(home: Path, theo: Theo) -> None:
    words = ("download", "SPY", "--timeframe", "15min", "--from", "20261102", "--to", "20261113", "--json")
    done = json.loads(theo(home, *words)[1])
    assert (done["bars"], done["source"], done["first"]) == (10 * 26, "ib:rth", "2026-11-02T14:30:00Z")  # ten sessions
    (held,) = json.loads(theo(home, "import", "list", "--json")[1])
    assert (held["symbol"], held["source"], held["bars"]) == ("SPY", "ib:rth", 260)
    (levels,) = json.loads(theo(home, "levels", "verify", "--json")[1])
    assert (levels["compared"], levels["waiting"], levels["differing"]) == (260, 0, 0)
