"""What the venue refuses again and again is asked for ever more seldom, and a person is told once."""

from theo.domain.market_data import MINUTE, SECOND
from theo.engine.world import Settings


def test_the_wait_doubles_with_each_refusal_and_has_an_end() -> None:
    settings = Settings()
    waits = [settings.refused_wait(refusals) for refusals in range(1, 40)]
    assert waits[0] == settings.send_retry_wait == 2 * SECOND
    assert waits[1] == 2 * waits[0]
    assert waits == sorted(waits)
    assert MINUTE < waits[-1] < 3 * MINUTE
