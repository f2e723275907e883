"""What a user may say about a file that is imported. What is not said is recognised, or refused with the question."""

from enum import StrEnum

import msgspec

from theo.domain.instrument import Instrument
from theo.domain.market_data import SessionScope, TickFlag, Timeframe
from theo.market.sessions import SessionTable
from theo.market.splits import Split


class Label(StrEnum):
    """Whether a bar's only time is its start or its end. Never guessed: a wrong guess looks one bar ahead."""

    START = "start"
    END = "end"


class BadRange(StrEnum):
    """What to do with a bar whose high and low do not enclose its open and close."""

    REFUSE = "refuse"
    WIDEN = "widen"  # high and low are moved to enclose open and close
    SKIP = "skip"  # the bar is left out; gap detection then knows of it


class SaleConditions(msgspec.Struct, frozen=True):
    """Bits of a hexadecimal sale condition and what a trade with any of them does not update."""

    not_last: int = 0
    not_high_low: int = 0
    not_volume: int = 0


# AlgoSeek's bits as in Lean's sample ticks: without these trades the consolidated one-minute bars come out.
ALGOSEEK = SaleConditions(not_last=0x20 | 0x100000 | 0x200, not_high_low=0x20 | 0x100000 | 0x200)


class FileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What bars and ticks have in common.

    ``columns`` maps our names (start, end, open, ..., price, size, condition) to the file's; the rest is recognised.
    ``zone`` is the time zone of times without one, as "America/New_York". ``source`` names the series; "" becomes import:FILE.
    ``round_prices`` rounds prices to the instrument's decimals instead of refusing them; ``sort`` sorts unsorted rows;
    ``any_sign`` allows prices of zero and below (spreads).
    """

    instrument: Instrument
    columns: dict[str, str] = {}
    zone: str = ""
    source: str = ""
    round_prices: bool = False
    sort: bool = False
    any_sign: bool = False


class BarSettings(FileSettings, frozen=True, kw_only=True):
    """``label`` is needed when the file has one time a bar and its column does not say which.

    ``sessions`` gives daily bars their session's open and close in ``scope`` (without it a daily bar spans its date's UTC day),
    and ``splits``, which adjust older bars, their first session.
    """

    timeframe: Timeframe
    label: Label | None = None
    bad_range: BadRange = BadRange.REFUSE
    splits: tuple[Split, ...] = ()
    sessions: SessionTable | None = None
    scope: SessionScope = SessionScope.RTH


class TickSettings(FileSettings, frozen=True, kw_only=True):
    """``suspicious`` is the flag of ticks that the vendor marks so.

    With ``sessions`` each tick is judged as it would be on arrival (theo.market.quality): the window of prices begins anew each
    session. Without them only the vendor's marks are flags.
    """

    conditions: SaleConditions = ALGOSEEK
    suspicious: TickFlag = TickFlag.OUTLIER
    sessions: SessionTable | None = None
