"""Orders and signals by hand where no trader runs: nothing is kept, and a repeat is answered only where it is one."""

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.api.home import make_home, theo
from tests.api.trading import trader_on
from theo.adapters.sql.inbox import SqlInbox
from theo.app.inbox.orders import cancel_order, command_of, create_order
from theo.app.inbox.signals import cancel_signal, create_signal
from theo.domain.asked import EntryAsked, SignalAsked
from theo.domain.errors import DataError
from theo.domain.orders import OrderType, Side

BARS = 60
ENTRY = EntryAsked(symbol="SPY", side=Side.BUY, type=OrderType.MARKET, quantity=5, stop="1%", target="2%")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path)


def test_a_backtest_takes_no_commands_and_gets_no_inbox(home: Path) -> None:
    theo(home, "backtest", home.parent / "trend.toml")
    (folder,) = (home / "runs").iterdir()
    before = sorted(folder.iterdir())
    for ordered in (create_order(home, ENTRY), cancel_order(home, "o1", command_id="mine")):
        assert (ordered.state, ordered.text) == ("not_running", "no trader runs: nothing was asked")
    assert cancel_signal(home, "s1").state == "not_running"
    assert sorted(folder.iterdir()) == before


def test_what_a_trader_did_is_answered_to_the_same_command_alone(home: Path) -> None:
    with trader_on(home, home.parent / "trend.toml") as trader:
        trader.play(BARS)
        made = create_signal(home, SignalAsked(ENTRY, 1_440), command_id="mine")
        assert made.state == "done"
    assert create_signal(home, SignalAsked(ENTRY, 1_440), command_id="mine") == made
    another = msgspec.structs.replace(ENTRY, quantity=6)
    for ask in (
        lambda: create_signal(home, SignalAsked(another, 1_440), command_id="mine"),
        lambda: create_order(home, ENTRY, command_id="mine"),
        lambda: cancel_signal(home, made.signal, command_id="mine"),
    ):
        with pytest.raises(DataError, match="mine was used for create_signal"):
            ask()
    assert create_order(home, ENTRY, command_id="other").state == "not_running"
    with closing(SqlInbox(trader.folder)) as inbox:
        assert inbox.pending() == ()
        inbox.post(command_of("create_order", ENTRY, "late", ""))  # as if it had ended between the question and its answer
    assert create_order(home, ENTRY, command_id="late").state == "silent"
