"""IB ends a protective stop by itself (a split, a quarter's end, ninety days without a login): it is placed anew, and told."""

from tests.live.platform import Platform
from theo.gateway.trading.working import Phase, Worked


def stops(platform: Platform) -> list[Worked]:
    """Resting at the gateway."""
    orders = platform.gateway.trading.unfinished
    return [each for each in orders if each.terms.type == "STP" and each.phase is Phase.WORKING]


async def test_a_stop_that_ib_ends_by_itself_is_placed_anew(platform: Platform) -> None:
    """It dies while it rests: nobody asked for that, and IB gives a reason of its own."""
    await platform.begin()
    await platform.until(lambda state: bool(stops(platform)) and state.agreed)
    (ended,) = stops(platform)
    dealing = platform.gateway.trading._dealing

    def take_away() -> None:
        dealing.floor.cancel(ended, platform.clock.now())
        dealing.end(platform.gateway.simulator.desk, ended, "Order was cancelled by the system: corporate action")

    platform.server.act(lambda _simulator: take_away())
    assert ended.phase is Phase.CANCELLED
    await platform.until(lambda _state: any(each is not ended for each in stops(platform)))
    (anew,) = stops(platform)
    assert (anew.terms.quantity, anew.terms.stop, anew.terms.tif) == (ended.terms.quantity, ended.terms.stop, "GTC")
    assert anew.terms.oca_group == ended.terms.oca_group
    assert "unprotected" in platform.told.codes()
    await platform.end()


async def test_a_stop_that_ib_ends_while_nobody_is_there_is_placed_anew(platform: Platform) -> None:
    """Found by the comparison of the books at the next start."""
    await platform.begin()
    await platform.until(lambda state: bool(stops(platform)) and state.agreed)
    (ended,) = stops(platform)
    await platform.end()
    dealing = platform.gateway.trading._dealing
    dealing.floor.cancel(ended, platform.clock.now())
    dealing.end(platform.gateway.simulator.desk, ended, "GTC orders end with the quarter")
    await platform.begin()
    await platform.until(lambda _state: any(each is not ended for each in stops(platform)))
    assert "unprotected" in platform.told.codes()
    await platform.end()
