"""Which minutes of a UTC day a market is open, from session tables. Sessions begin and end at whole minutes."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from theo.domain.market_data import DAY, MINUTE, SessionScope
from theo.gateway.market.factors import MINUTES_A_DAY
from theo.gateway.open_hours import sessions_within, spans_of
from theo.market.sessions import Hours, Session, SessionTable, Span

Mask = NDArray[np.bool_]
DAYS_KEPT = 256  # masks of all tables: 3 KB each


class OpenMinutes:
    """Lookups in one session table: hours of both scopes, and masks of minutes."""

    def __init__(self, table: SessionTable) -> None:
        self.table = table
        self.all, self.regular = Hours(table, SessionScope.ALL), Hours(table, SessionScope.RTH)
        self.mask = lru_cache(DAYS_KEPT)(self._make_mask)

    def hours(self, *, regular: bool) -> Hours:
        """The hours of a scope."""
        return self.regular if regular else self.all

    def sessions(self, start: int, end: int, *, regular: bool) -> Iterator[Session]:
        """Sessions of a scope that touch ``start`` to ``end`` (excluded), as far as the table knows."""
        for session in sessions_within(self.all, start, end):
            spans = spans_of(session, regular=regular)
            if spans and spans[0][0] < end and spans[-1][1] > start:
                yield session

    def _spans(self, start: int, end: int, scope: SessionScope) -> Iterator[Span]:
        for session in self.sessions(start, end, regular=scope is SessionScope.RTH):
            yield from session.spans(scope)

    def _make_mask(self, day: int, scope: SessionScope) -> Mask:
        """For each of a day's 1,440 minutes whether it is open; closed where the table ends."""
        mask = np.zeros(MINUTES_A_DAY, dtype=np.bool_)
        begins = day * DAY
        for opens, closes in self._spans(begins, begins + DAY, scope):
            mask[max(opens - begins, 0) // MINUTE : max(min(closes - begins, DAY), 0) // MINUTE] = True
        return mask
