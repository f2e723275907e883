"""Signals that become options, on the whole platform beside a whole gateway: chosen, bought, protected, sold, and restarted."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ib.conftest import Told
from tests.live.option_platform import FRONT, OPTIONS, RULES, OptionPlatform, state_of, written
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.system.clock import PacedClock
from theo.app.commands.parity import parity_of
from theo.domain.facts import Filled, Rolled, TradeClosed, TradeIntended
from theo.domain.market_data import SECOND, TickKind
from theo.domain.orders import OrderRole, OrderType
from theo.engine.state import State
from theo.gateway.building import Gateway
from theo.gateway.server import GatewayServer


@pytest.fixture
async def platform(
    tmp_path: Path, server: GatewayServer, gateway: Gateway, clock: PacedClock, told: Told
) -> AsyncIterator[OptionPlatform]:
    async with written(OptionPlatform(tmp_path, server, gateway, clock, told)) as made:
        yield made


def closed(state: State) -> int:
    return sum(trade.over for trade in state.trades.values())


async def test_a_signal_becomes_a_bought_option_that_its_underlying_closes(platform: OptionPlatform) -> None:
    await platform.begin()
    await platform.until(lambda state: closed(state) >= 2 and state.agreed)
    name, one = platform.chosen(state_of(platform)), platform.one
    await platform.end()
    intended = [fact for fact in platform.facts if isinstance(fact, TradeIntended)]
    for fact in intended:
        parent, stop, target = fact.approved.subject.orders
        assert (fact.instrument, parent.type, parent.contract, parent.quantity) == (one, OrderType.LIMIT, name, 2)
        assert fact.exits is not None
        assert (stop.type, stop.condition, target.condition) == (OrderType.MARKET, fact.exits.at_stop(), fact.exits.at_target())
    fills = [fact for fact in platform.facts if isinstance(fact, Filled)]
    assert {fact.role for fact in fills if fact.trade == intended[0].id} & {OrderRole.STOP, OrderRole.TARGET}
    taken, stored = platform.ticks()
    assert {tick.kind for tick in taken if tick.instrument == one} == {TickKind.BID, TickKind.ASK}
    assert stored == taken
    assert platform.fills() <= platform.executions()
    assert platform.compare().first_difference is None
    assert not [text for severity, _, text in platform.told.messages if severity == "page"]
    store = SqlJournalStore(platform.folder)
    try:
        found, _ = parity_of(platform.home, platform.folder, store)
    finally:
        store.close()
    assert (found.difference, found.unexplained) == ("", 0), found.differences
    (told, *_) = platform.texts("option_chosen")
    assert told.startswith(f"{FRONT} is {name}: SPY ")


async def test_an_open_trade_keeps_its_option_and_its_exits_over_a_restart(platform: OptionPlatform) -> None:
    """Far exits: the trade is open when the process ends, and the price goes on in between."""
    platform.write(rules=RULES.replace("percent = 0.02", "percent = 3"))
    await platform.begin()
    await platform.until(lambda state: bool(state.positions.get(platform.one)) and state.agreed)
    name = platform.chosen(state_of(platform))
    resting = {each.order.order_ref for each in platform.gateway.trading.orders.values() if each.order.conditions}
    await platform.end()
    platform.facts.clear()
    platform.write(rules=RULES.replace("percent = 0.02", "percent = 3"), options=OPTIONS.replace("near = 5", "near = 40"))
    await platform.begin()
    await platform.until(lambda state: state.agreed and state.link_up)
    await platform.until(lambda _state: any(each.contract == name for each in platform.standings()))
    state = state_of(platform)
    assert platform.chosen(state) == name, "another strike is the one by now, and the trade keeps its own"
    assert resting <= {held.order.id for held in state.orders.values() if not held.ended}
    quotes = state_quotes(platform)
    await platform.until(lambda _state: state_quotes(platform) > quotes)
    await platform.end()
    assert not [text for severity, _, text in platform.told.messages if severity == "page"]
    assert not [fact for fact in platform.facts if isinstance(fact, TradeClosed | Rolled)]
    assert platform.compare().first_difference is None


def state_quotes(platform: OptionPlatform) -> int:
    """When the newest bid of the option came."""
    assert platform.live is not None
    return platform.live.shell.core.world.market.quotes[platform.one].bid_at


async def test_two_scans_and_a_shadow_share_an_option_and_it_is_chosen_anew_when_all_are_flat(
    platform: OptionPlatform, tmp_path: Path
) -> None:
    """The live run and the one on the simulated exchange hold the same contract; each counts only its own trades."""
    held = RULES.replace("percent = 0.02", "percent = 0.05").replace("[scan]\n", "[scan]\nshadow = true\n")
    platform.write(rules=held)
    other = tmp_path / "other.toml"
    other.write_text(RULES.replace('"calls"', '"other"'), encoding="utf-8")
    platform.more.append(other)
    await platform.begin()
    live = platform.live
    assert live is not None
    assert live.beside is not None
    virtual = live.beside.shell.core.state
    await platform.until(lambda state: closed(state) >= 2 and closed(virtual) >= 1 and state.agreed)
    beside = [fact for fact in platform.facts_beside if isinstance(fact, TradeIntended)]
    named = {fact.approved.subject.orders[0].contract for fact in beside}
    assert named <= {fact.contract for fact in platform.facts if isinstance(fact, Rolled)}
    assert virtual.fronts[platform.one].name == platform.chosen(state_of(platform))
    await platform.end()
    scans = {fact.key.config for fact in platform.facts if isinstance(fact, TradeIntended)}
    assert scans == {"calls", "other"}
    assert platform.fills() <= platform.executions()
    assert platform.compare().first_difference is None
    assert not [text for severity, _, text in platform.told.messages if severity == "page"]


async def test_with_a_socket_of_its_own_for_data_a_lost_stream_has_no_quotes_until_it_is_back(platform: OptionPlatform) -> None:
    """Both connections know the option; what the stream said before it was lost is no quote any more."""
    port = platform.server.port
    text = f'mode = "paper"\n[ib]\nport = {port}\ndata_client_id = 2\n{OPTIONS}'
    platform.rules.write_text(RULES.replace('op = ">", right = 0', 'op = "<", right = 0'), encoding="utf-8")
    platform.home.configuration.write_text(text, encoding="utf-8")
    await platform.begin()
    await platform.until(lambda _state: bool(state_quotes(platform)))
    core = platform.live.shell.core  # type: ignore[union-attr]  # it has begun
    quote = core.world.market.quotes[platform.one]
    await platform.until(lambda _state: min(quote.bid, quote.ask, quote.bid_size, quote.ask_size) > 0)
    platform.server.act(lambda simulator: platform.gateway.incidents.play(simulator.desk, "server-lost-data-lost", 10.0, {}))
    await platform.until(lambda _state: (quote.bid, quote.ask) == (0, 0))
    await platform.until(lambda _state: min(quote.bid, quote.ask) > 0)
    contracts = {id(each): each for each in (platform.live.run._broker._contracts, platform.live.feed._history.contracts)}  # type: ignore[union-attr]  # as above
    assert len(contracts) == 2
    assert {each.contract(platform.one).localSymbol for each in contracts.values()} == {platform.chosen(core.state)}
    await platform.end()
    assert platform.compare().first_difference is None


async def test_what_the_virtual_run_alone_holds_is_kept_for_both_over_a_restart(platform: OptionPlatform, tmp_path: Path) -> None:
    """Another strike is the one by now, and the broker's run holds nothing: it means the same option all the same."""
    waits = RULES.replace('op = ">", right = 0', 'op = "<", right = 0')
    platform.write(rules=waits)
    held = (
        RULES.replace('"calls"', '"held"')
        .replace("percent = 0.02", "percent = 3")
        .replace("[scan]\n", '[scan]\nmode = "virtual"\n')
    )
    other = tmp_path / "held.toml"
    other.write_text(held, encoding="utf-8")
    platform.more.append(other)
    await platform.begin()
    await platform.until(lambda _state: bool(virtual_of(platform).positions.get(platform.one)))
    name = virtual_of(platform).fronts[platform.one].name
    assert platform.chosen(state_of(platform)) == name
    await platform.end()
    platform.facts_beside.clear()
    platform.write(rules=waits, options=OPTIONS.replace("near = 5", "near = 40"))
    await platform.begin()
    await platform.until(lambda state: state.agreed and any(each.contract for each in platform.standings()))
    quotes = state_quotes(platform)
    await platform.until(lambda _state: state_quotes(platform) > quotes)
    ends = platform.clock.now() + 90 * SECOND
    await platform.until(lambda _state: platform.clock.now() > ends)
    assert [each.contract for each in platform.standings() if each.contract] == [name]
    assert {platform.chosen(state_of(platform)), virtual_of(platform).fronts[platform.one].name} == {name}
    assert virtual_of(platform).positions.get(platform.one)
    await platform.end()
    assert not [fact for fact in platform.facts_beside if isinstance(fact, TradeClosed)]
    assert not [text for severity, _, text in platform.told.messages if severity == "page"]


def virtual_of(platform: OptionPlatform) -> State:
    """The state of the run on the simulated exchange."""
    assert platform.live is not None
    assert platform.live.beside is not None
    return platform.live.beside.shell.core.state
