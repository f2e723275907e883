"""What the interface tells in its health of the stages beside those of the pipeline (app/recorded/stages.py)."""

import re
from collections.abc import Mapping
from typing import Final

from theo.adapters.sql.inbox import SqlInbox
from theo.adapters.sql.market.store import SqlMarketStore
from theo.adapters.sql.projection.newest_rows import newest_events
from theo.domain.instrument import Instrument
from theo.domain.market_data import SECOND, DataMark
from theo.report.stages import Stage, StageState

TABLES_LAG_S_MAX: Final = 5.0  # they follow each second
INBOX_LAG_S_MAX: Final = 5.0  # a trader looks ten times a second; a busy one within a commit's retries
SUBJECTS_NAMED_MAX: Final = 3
LATE: Final = frozenset({DataMark.INTERRUPTED.value, DataMark.DELAYED.value})
_MARKED: Final = re.compile(r"(\w+)(?: since (\d+))?: (.*)", re.DOTALL)


def feed_stage(tables: SqlMarketStore, instruments: Mapping[int, Instrument], now: int, *, running: bool) -> Stage:
    """As the feed's own marks say, the newest of each instrument."""
    if not running:
        return Stage("feed", StageState.STOPPED, None, "no trader listens")
    late: list[tuple[int, str]] = []
    for subject, text in newest_events(tables, "data").items():
        marked = _MARKED.fullmatch(text)
        if marked is not None and marked[1] in LATE:
            known = instruments.get(int(subject)) if subject.isdigit() else None
            late.append((int(marked[2] or 0), f"{known.symbol if known else subject} {marked[1]}: {marked[3]}"))
    if not late:
        return Stage("feed", StageState.OK, None, "")
    since = min((at for at, _ in late if at), default=0)
    words = "; ".join(text for _, text in sorted(late)[:SUBJECTS_NAMED_MAX])
    more = f" and {len(late) - SUBJECTS_NAMED_MAX} more" if len(late) > SUBJECTS_NAMED_MAX else ""
    remedy = "`theo status` and the log say since when; it connects again by itself, and reads what is missing from history"
    return Stage("feed", StageState.LATE, _age_s(since, now) if since else None, words + more, remedy=remedy)


def tables_stage(recorded: int, projected: int, level_s_ago: float) -> Stage:
    """``level_s_ago``: how long ago they were last seen to be where the journal was."""
    left = recorded - projected
    lag_s = round(level_s_ago, 1) if left > 0 else 0.0
    state = StageState.LATE if lag_s > TABLES_LAG_S_MAX else StageState.OK
    remedy = "See the problems of /health, and that the disk or the server takes writes" if state is StageState.LATE else ""
    return Stage("tables", state, lag_s, f"{left} records are not in the tables yet" if left > 0 else "", remedy=remedy)


def inbox_stage(inbox: SqlInbox | None, now: int, *, running: bool) -> Stage:
    """How long the oldest command waits; where no trader runs, the next start takes what waits."""
    waiting = () if inbox is None else inbox.pending(limit=1)
    lag_s = _age_s(waiting[0].at, now) if waiting else 0.0
    text = f"{waiting[0].name} waits" if waiting else ""
    if not running:
        return Stage("inbox", StageState.STOPPED, lag_s if waiting else None, text or "no trader takes commands")
    if lag_s > INBOX_LAG_S_MAX:
        remedy = "The trader runs and takes no commands: `theo status`; a STOP file in its home halts it all the same"
        return Stage("inbox", StageState.LATE, lag_s, text, remedy=remedy)
    return Stage("inbox", StageState.OK, lag_s, text)


def _age_s(since: int, now: int) -> float:
    return max(0.0, round((now - since) / SECOND, 1))
