"""`theo live` on a whole gateway: from ticks to a closed deal, stopped and begun again, the books of both sides compared."""

from tests.ib.conftest import until
from tests.live.platform import Platform
from theo.domain.facts import Decided, LinkKnown, Reconciled, TradeClosed, TradeIntended
from theo.engine.state import State


def closed(state: State) -> int:
    """Trades that are over."""
    return sum(trade.id not in state.open_trades for trade in state.trades.values())


async def test_ticks_become_a_bracket_at_the_gateway_and_a_deal_here(platform: Platform) -> None:
    await platform.begin()
    await platform.until(lambda state: closed(state) >= 2)
    await platform.end()
    assert platform.fills() == platform.executions()
    said = [type(fact) for fact in platform.facts]
    assert said.index(LinkKnown) < said.index(Reconciled) < said.index(TradeIntended) < said.index(TradeClosed)
    assert sum(isinstance(fact, Decided) for fact in platform.facts) > 500  # the bars that were read before
    assert platform.compare().first_difference is None


async def test_what_was_stopped_goes_on_and_missed_fills_count(platform: Platform) -> None:
    await platform.begin()
    await platform.until(lambda state: bool(state.positions.get(4)))
    await platform.end()
    fills = platform.fills().total()
    await until(lambda: platform.executions().total() > fills, 60.0)  # the resting stop or target fills meanwhile
    await platform.begin()
    await platform.until(lambda state: closed(state) >= 1 and state.agreed)
    await platform.end()
    assert not platform.fills() - platform.executions()
    assert platform.compare().first_difference is None
    taken, stored = platform.ticks()
    assert taken == stored != []
