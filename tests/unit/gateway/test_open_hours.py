"""Every moment at which an exchange is open is found as open, also a holiday's morning that belongs to a session days later."""

from datetime import date
from pathlib import Path

import pytest

from theo.adapters.calendars.stored import session_table
from theo.domain.market_data import MINUTE, SessionScope
from theo.gateway.market.open_minutes import OpenMinutes
from theo.gateway.open_hours import open_spans
from theo.market.sessions import Hours, SessionTable

FIRST, LAST = date(2026, 6, 1), date(2026, 12, 31)  # 2026-07-03 is a Friday on which VX trades until noon, for Monday


@pytest.fixture(scope="module", params=["CFE", "CME_EQUITY", "NYSE", "VIX"])
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SessionTable:
    folder: Path = tmp_path_factory.mktemp("sessions")
    return session_table(request.param, FIRST, LAST, folder)


def test_no_open_span_is_overlooked(table: SessionTable) -> None:
    hours, opened = Hours(table, SessionScope.ALL), OpenMinutes(table)
    for session in table.sessions:
        for opens, closes in session.full:
            for at in (opens, closes - MINUTE):
                if hours.first <= at < hours.last:
                    assert open_spans(hours, at, at + MINUTE, regular=False) == [(at, at + MINUTE)], session.date
                    assert session in opened.sessions(at, at + MINUTE, regular=False), session.date
