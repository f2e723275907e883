"""A run on the simulated exchange beside the broker's: the same market, its own books, and nothing of it in the other's way."""

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.live.levels import levels_in, levels_of_every_bar
from tests.live.platform import QUICK, Platform
from tests.live.test_live_run import closed
from tests.unit.app.conftest import Theo, theo
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.recorded.run import decide_again, recorded_items
from theo.app.runs.beside_making import Beside
from theo.domain.facts import DataKnown, Decided, Fact, Filled, Halted, OrdersIntended, SignalRaised, TradeIntended
from theo.domain.journal import TRADING
from theo.domain.market_data import SECOND, Bar, DataMark, DataMarked, MarketData
from theo.runtime import beside as beside_run

__all__ = ["theo"]

SHADOW = f"{QUICK}[scan]\nshadow = true\n"
VIRTUAL = QUICK.replace('"quick"', '"other"').replace("long = ", "short = ") + '[scan]\nmode = "virtual"\n'


def beside(platform: Platform) -> Beside:
    """The run beside."""
    assert platform.live is not None
    assert platform.live.beside is not None
    return platform.live.beside


async def closes(platform: Platform, count: int) -> None:
    """Until both runs have closed so many trades."""
    await platform.until(lambda state: min(closed(state), closed(beside(platform).shell.core.state)) >= count)


def decided(facts: list[Fact]) -> dict[tuple[str, int], tuple[object, ...]]:
    """What each scan saw at each bar end."""
    return {(fact.config, fact.end): (fact.numbers, fact.truths) for fact in facts if isinstance(fact, Decided)}


def raised(facts: list[Fact]) -> set[tuple[str, int, str]]:
    """Signals by configuration, bar end and side."""
    return {(fact.key.config, fact.end, str(fact.action)) for fact in facts if isinstance(fact, SignalRaised)}


def intended(facts: list[Fact]) -> set[str]:
    """Ids of all orders that were meant to be sent."""
    sent = [fact for fact in facts if isinstance(fact, TradeIntended | OrdersIntended)]
    return {order.id for fact in sent for order in fact.approved.subject.orders}


def market(platform: Platform, folder: Path) -> list[MarketData]:
    """What a journal holds of the market."""
    store = SqlJournalStore(folder)
    try:
        return list(recorded_items(store))
    finally:
        store.close()


def folder_beside(platform: Platform) -> Path:
    """Where the run beside keeps its journal."""
    return platform.folder.with_name(f"{platform.folder.name}-virtual")


async def test_the_same_scan_in_both_runs_decides_the_same_bar_for_bar(platform: Platform) -> None:
    platform.rules.write_text(SHADOW)
    await platform.begin()
    await closes(platform, 2)
    await platform.end()
    ours, theirs = decided(platform.facts), decided(platform.facts_beside)
    newest = min(max(ours)[1], max(theirs)[1])
    assert len(ours) > 500
    assert {k: v for k, v in ours.items() if k[1] <= newest} == {k: v for k, v in theirs.items() if k[1] <= newest}
    ours_raised, theirs_raised = (
        {each for each in raised(facts) if each[1] <= newest} for facts in (platform.facts, platform.facts_beside)
    )
    assert {each[:2] for each in ours_raised} == {each[:2] for each in theirs_raised} != set()
    assert platform.fills() == platform.executions()  # the broker has heard of the first run alone
    assert not intended(platform.facts) & intended(platform.facts_beside)
    live, virtual = (market(platform, each) for each in (platform.folder, folder_beside(platform)))
    assert len(virtual) > 500
    assert virtual == live[: len(virtual)]
    marks = [item.mark for item in virtual if isinstance(item, DataMarked)]
    assert (marks[0], marks[-1]) == (DataMark.INTERRUPTED, DataMark.WHOLE)
    store = SqlJournalStore(folder_beside(platform))
    try:
        again = decide_again(platform.home, folder_beside(platform), store)
    finally:
        store.close()
    assert again.first_difference is None
    assert again.facts > 500


async def test_the_run_beside_has_bars_and_levels_of_its_own(platform: Platform) -> None:
    platform.rules.write_text(SHADOW)
    await platform.begin()
    await platform.until(lambda _state: levels_in(folder_beside(platform)) > 1)
    await platform.end()
    levels_of_every_bar(platform.home.path, folder_beside(platform).name)


async def test_a_virtual_scan_sends_the_broker_nothing(platform: Platform) -> None:
    other = platform.rules.with_name("other.toml")
    other.write_text(VIRTUAL)
    platform.more = [other]
    await platform.begin()
    await closes(platform, 1)
    assert set(platform.live.shell.core.world.scans) == {"quick"}  # type: ignore[union-attr]  # begun two lines above
    assert set(beside(platform).shell.core.world.scans) == {"other"}
    await platform.end()
    assert platform.fills() == platform.executions()
    assert {order for order, _, _ in platform.executions()} <= intended(platform.facts)
    assert {fact.key.config for fact in platform.facts_beside if isinstance(fact, TradeIntended)} == {"other"}


async def test_an_outage_leaves_the_virtual_books_and_marks_the_data(platform: Platform) -> None:
    platform.rules.write_text(SHADOW)
    await platform.begin()
    await closes(platform, 1)
    server, incidents = platform.server, platform.gateway.incidents
    server.act(lambda simulator: incidents.play(simulator.desk, "nightly-restart", 60.0, {}))
    await platform.until(lambda state: not state.link_up)
    virtual = beside(platform).shell.core.state
    assert virtual.link_up  # it has no link that could be down
    assert not virtual.halted
    await platform.until(lambda state: state.link_up and state.agreed)
    seen = len(decided(platform.facts_beside))
    await platform.until(lambda _state: len(decided(platform.facts_beside)) >= seen + 2)
    run = beside(platform)
    books = {one: n for one, n in run.broker.venue.books.positions.items() if n}
    assert books == {one: n for one, n in run.shell.core.state.positions.items() if n}
    assert run.shell.core.state.agreed
    await platform.end()
    ours, theirs = ([f.mark for f in facts if isinstance(f, DataKnown)] for facts in (platform.facts, platform.facts_beside))
    assert ours == theirs
    assert ours.count(DataMark.INTERRUPTED) >= 2
    fills = [(fact.execution, fact.order) for fact in platform.facts_beside if isinstance(fact, Filled)]
    assert len(fills) == len(set(fills))


async def test_what_breaks_the_virtual_run_leaves_the_brokers(platform: Platform) -> None:
    """Another writer has taken its journal: its next record is refused."""
    platform.rules.write_text(SHADOW)
    await platform.begin()
    await closes(platform, 1)
    with closing(sqlite3.connect(folder_beside(platform) / "journal.db")) as taken:
        taken.execute("UPDATE leases SET epoch = epoch + 1")
        taken.commit()
    done = closed(platform.live.shell.core.state)  # type: ignore[union-attr]  # begun above
    await platform.until(lambda state: bool(beside(platform).run.ended) and closed(state) >= done + 1)
    pages = [text for severity, code, text in platform.told.messages if (severity, code) == ("page", "virtual_ended")]
    assert len(pages) == 1
    assert pages[0].startswith(f"{folder_beside(platform).name}: it has ended")
    assert platform.fills() == platform.executions()


async def test_what_the_virtual_run_cannot_keep_up_with_ends_it_alone(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bars of the look-back come in one go: more than may wait here."""
    monkeypatch.setattr(beside_run, "INPUTS_WAITING_MAX", 400)
    platform.rules.write_text(SHADOW)
    await platform.begin()
    await platform.until(lambda state: bool(beside(platform).run.ended) and closed(state) >= 1)
    (page,) = [text for severity, _, text in platform.told.messages if severity == "page"]
    assert "400 inputs wait (it cannot keep up with the feed)" in page
    assert len(decided(platform.facts)) > 500
    with closing(SqlJournalStore(folder_beside(platform))) as free:
        free.claim(TRADING)  # nobody holds it any more


async def test_a_virtual_run_that_cannot_begin_leaves_the_brokers(platform: Platform) -> None:
    platform.rules.write_text(SHADOW)
    await platform.begin()
    await platform.end()
    held = SqlJournalStore(folder_beside(platform))
    held.claim(TRADING)
    try:
        await platform.begin()
        assert platform.live is not None
        assert platform.live.beside is None
        await platform.until(lambda state: closed(state) >= 1)
    finally:
        held.close()
    assert [code for severity, code, _ in platform.told.messages if severity == "page"] == ["virtual_ended"]


async def test_a_halt_of_the_home_halts_both(platform: Platform) -> None:
    platform.rules.write_text(SHADOW)
    await platform.begin()
    await closes(platform, 1)
    stop = platform.home.path / "STOP"
    stop.write_text("the drill\n")
    await platform.until(lambda state: bool(state.halted and beside(platform).shell.core.state.halted))
    stop.unlink()
    await platform.end()
    assert [fact.reason for fact in platform.facts_beside if isinstance(fact, Halted)] == ["the drill"]
    await platform.begin()
    assert beside(platform).shell.core.state.halted  # it lasts until a person lifts it


async def test_a_virtual_run_that_is_new_has_its_look_back_at_once(platform: Platform) -> None:
    """Its bars from history, the running bar's ticks from the broker's run, which goes on where it ended."""
    await platform.begin()
    await platform.until(lambda state: closed(state) >= 1)
    await platform.end()
    platform.rules.write_text(SHADOW)
    begun = len(platform.facts)
    await platform.begin()
    await closes(platform, 1)
    await platform.end()
    bars = [item for item in market(platform, folder_beside(platform)) if isinstance(item, Bar)]
    assert len(bars) >= 499
    ours, theirs = decided(platform.facts[begun:]), decided(platform.facts_beside)
    both = sorted(ours.keys() & theirs.keys())
    assert len(both) >= 1
    assert {key: ours[key] for key in both} == {key: theirs[key] for key in both}
    assert not any(isinstance(item, Bar) for item in market(platform, platform.folder)[600:])  # the broker's run reads none again


async def test_a_virtual_run_that_waits_for_its_look_back_does_not_hold_up_the_end(platform: Platform) -> None:
    await platform.begin()
    await platform.until(lambda state: closed(state) >= 1)
    await platform.end()
    platform.rules.write_text(SHADOW)
    await platform.begin()
    await platform.server.stop()  # before it has connected
    await platform.until(lambda _state: "link_down" in platform.told.codes()[1:])
    async with asyncio.timeout(20):
        await platform.end()


async def test_stopped_and_begun_again_its_resting_orders_are_still_there(platform: Platform) -> None:
    platform.rules.write_text(SHADOW.replace("percent = 0.02", "percent = 5.0"))  # nothing closes it
    await platform.begin()
    await platform.until(lambda _state: bool(beside(platform).shell.core.state.positions.get(4)))
    resting = live_orders(beside(platform))
    assert resting
    await platform.end()
    filled = len([fact for fact in platform.facts_beside if isinstance(fact, Filled)])
    await platform.begin()
    await platform.until(lambda state: state.agreed and beside(platform).shell.core.state.agreed)
    assert live_orders(beside(platform)) == resting
    seen = len(decided(platform.facts_beside))
    await platform.until(lambda _state: len(decided(platform.facts_beside)) >= seen + 2)
    assert len([fact for fact in platform.facts_beside if isinstance(fact, Filled)]) == filled


def live_orders(run: Beside) -> dict[str, int]:
    """What works at the simulated exchange, and for how much."""
    return {held.order.id: held.remaining for orders in run.broker.venue._book.live.values() for held in orders}


async def test_its_run_is_asked_by_name_and_compared_with_the_brokers(platform: Platform, theo: Theo) -> None:
    platform.rules.write_text(SHADOW)
    await platform.begin()
    await closes(platform, 2)
    live, virtual = platform.folder.name, folder_beside(platform).name
    home = platform.home.path
    running = json.loads(theo("--home", home, "status", "--json").out)["runs"]
    assert {(run["run"], run["mode"], run["process"] is None) for run in running} == {
        (live, "paper", False),
        (virtual, "virtual", False),
    }
    await platform.end()
    for run, facts in (((), platform.facts), (("--run", virtual), platform.facts_beside)):
        listed = json.loads(theo("--home", home, "signal", "list", "--json", *run).out)
        assert listed
        assert {one["id"] for one in listed} <= {fact.id for fact in facts if isinstance(fact, SignalRaised)}
    end = max(decided(platform.facts_beside))[1]
    when = f"{datetime.fromtimestamp(end / SECOND, UTC):%Y-%m-%dT%H:%M}Z"
    assert "quick" in theo("--home", home, "why", "MES", when, "--run", virtual).out
    assert theo("--home", home, "audit", "verify").code == 0
    parity = json.loads(theo("--home", home, "parity", virtual, "--json").out)
    assert (parity["difference"], parity["differences"]) == ("", [])  # its fills are those that a live run's are compared with
    assert parity["orders"] >= 4
    said = theo("--home", home, "compare", "--json")
    assert said.code == 0, said.err
    compared = json.loads(said.out)
    assert (compared["first"], compared["second"]) == (live, virtual)
    pairs = compared["found"]["pairs"]
    assert len(pairs) >= 1
    ours = {fact.signal: fact for fact in platform.facts if isinstance(fact, TradeIntended)}
    theirs = {fact.signal: fact for fact in platform.facts_beside if isinstance(fact, TradeIntended)}
    assert {pair["first"]["trade"] for pair in pairs} <= {fact.id for fact in ours.values()}
    assert {pair["second"]["trade"] for pair in pairs} <= {fact.id for fact in theirs.values()}
    assert compared["slippage"] == sum(pair["slippage"] for pair in pairs)
    assert f"{len(pairs)} trades in both" in theo("--home", home, "compare").out
    turned = json.loads(theo("--home", home, "compare", virtual, live, "--json").out)
    assert turned["slippage"] == -compared["slippage"]
    assert theo("--home", home, "compare", virtual).code == 2  # nothing is beside it
