"""Nothing opens on data that is not trusted: late, with a hole in it, or from another source than it began with."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from theo.domain.approval import Refused
from theo.market.trust import TRUSTED, Standing, Trust

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAID = {
    Trust.DELAYED: "its source sends late",
    Trust.STALE: "a bar that is due has not come",
    Trust.FAILED_OVER: "another source took over",
}


class SeriesStanding(msgspec.Struct, frozen=True):
    """One series that a signal rests on, by symbol and timeframe, and its trust at the signal."""

    symbol: str
    timeframe: str
    standing: Standing

    @property
    def text(self) -> str:
        """Name, state, since when and why, in words."""
        standing = self.standing
        since = f" since {EPOCH + timedelta(microseconds=standing.since):%Y-%m-%d %H:%M:%S} UTC" if standing.since else ""
        why = f"{standing.missing} bars are missing" if standing.missing else standing.why or SAID.get(standing.trust, "")
        return f"{self.symbol} {self.timeframe} is {standing.trust.upper()}{since}" + (f" ({why})" if why else "")


def data_trust(series: Iterable[SeriesStanding]) -> Refused | None:
    """Refuse when any series is not trusted, naming each of them."""
    bad = [one for one in series if one.standing.trust not in TRUSTED]
    if not bad:
        return None
    return Refused("data_trust", len(bad), 0, "; ".join(one.text for one in bad))
