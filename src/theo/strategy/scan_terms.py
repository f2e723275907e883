"""The ``[scan]`` table: what a signal becomes, how often the scan looks, what it does with a look that it missed."""

from collections.abc import Iterator
from typing import Final

import msgspec

from theo.domain.market_data import DAY, MINUTE
from theo.domain.timeframe import timeframe
from theo.strategy.tables import Table

EXPIRIES: Final = ("weekly", "monthly")
PLACEHOLDERS: Final = ("FUT", "OPTION", "ETF", "CASH")
OPTION_TYPES: Final = ("CALL", "PUT")
OPTION_CATEGORIES: Final = ("ITM", "OTM", "FUT", "DOTM", "DITM")
MODES: Final = ("live", "virtual")
MISSED: Final = ("skip", "catch up")
SIDES: Final = ("both", "long", "short")
EVERY_MINUTES_MAX: Final = 1_440
EXPIRING: Final = frozenset({"FUT", "OPTION"})
BOUGHT: Final = {"long": "CALL", "short": "PUT"}  # an option is bought; the other type is written


class ScanTerms(msgspec.Struct, frozen=True, kw_only=True):
    """``placeholder`` is what a signal becomes, "" the primary itself; ``option_type`` "" follows the signal's side.

    ``every_minutes`` 0 looks at every bar close. ``missed``: what becomes of a look that fell into a time without the platform.
    ``shadow``: beside the broker also on the simulated exchange, for comparison.
    """

    mode: str = "live"
    shadow: bool = False
    placeholder: str = ""
    expiry: str = ""
    option_type: str = ""
    option_category: str = ""
    writing: bool = False
    every_minutes: int = 0
    missed: str = "skip"

    @property
    def virtual(self) -> bool:
        """Whether it trades on the simulated exchange, alone or beside the broker."""
        return self.shadow or self.mode == "virtual"


def asks_options(terms: ScanTerms) -> bool:
    """Whether a signal becomes an option; the category FUT trades the future."""
    return terms.placeholder == "OPTION" and terms.option_category != "FUT"


def read_scan(table: Table) -> ScanTerms:
    """The table with each value in its bounds; whether the values fit each other is ``judge_scan``'s."""
    terms = ScanTerms(
        mode=table.choice("mode", MODES, "live"),
        shadow=table.flag("shadow", default=False),
        placeholder=_word(table, "placeholder", PLACEHOLDERS),
        expiry=_word(table, "expiry", EXPIRIES),
        option_type=_word(table, "option_type", OPTION_TYPES),
        option_category=_word(table, "option_category", OPTION_CATEGORIES),
        writing=table.flag("writing", default=False),
        every_minutes=table.whole("every_minutes", 0, 0, EVERY_MINUTES_MAX),
        missed=table.choice("missed", MISSED, "skip"),
    )
    table.finish()
    return terms


def _word(table: Table, name: str, known: tuple[str, ...]) -> str:
    """A known word, "" when the file says nothing."""
    return table.choice(name, known) if table.has(name) else ""


def judge_scan(terms: ScanTerms, sides: str, frame: str, table: Table) -> None:
    """Note every contradiction within the table, and with the sides that are entered and the timeframe."""
    found = (*_of_mode(terms), *_of_options(terms), *_of_sides(terms, sides), *_of_time(terms, frame))
    for key, what, why, remedy in found:
        table.wrong(key, what, why=why, remedy=remedy)


Found = Iterator[tuple[str, str, str, str]]  # key, what, why, remedy


def _of_mode(terms: ScanTerms) -> Found:
    if terms.shadow and terms.mode == "virtual":
        yield "shadow", "is true", 'mode "virtual" is the simulated exchange already', 'Remove it, or write mode = "live"'


def _of_options(terms: ScanTerms) -> Found:
    option = terms.placeholder == "OPTION"
    for key, value in (("option_type", terms.option_type), ("option_category", terms.option_category)):
        if value and not option:
            yield key, f"is {value}", "a signal of this scan becomes no option", 'Write placeholder = "OPTION", or remove the key'
    if terms.writing and not option:
        yield "writing", "is true", "a signal of this scan becomes no option", 'Write placeholder = "OPTION", or remove the key'
    if option and not terms.option_category:
        yield "option_category", "is missing", "which strike is meant?", f"Choose {' or '.join(OPTION_CATEGORIES)}"
    if option and not terms.expiry:
        yield "expiry", "is missing", "which series is meant?", f"Choose {' or '.join(EXPIRIES)}"
    if terms.expiry and terms.placeholder not in EXPIRING:
        yield "expiry", f"is {terms.expiry}", "what a signal becomes does not expire", "Use a placeholder that does, or remove it"
    told = [("option_type", terms.option_type)] if terms.option_type else []
    told += [("writing", "true")] if terms.writing else []
    for key, value in told if option and terms.option_category == "FUT" else ():
        yield key, f"is {value}", "the category FUT trades the future", "Remove it, or choose another category"


def _of_sides(terms: ScanTerms, sides: str) -> Found:
    """Options are bought: calls by a long signal, puts by a short one."""
    wanted = terms.option_type
    if terms.placeholder != "OPTION" or not wanted or terms.writing or terms.option_category == "FUT":
        return
    against = [side for side in BOUGHT if sides in {side, "both"} and BOUGHT[side] != wanted]
    if sides == "both":
        yield (
            "option_type",
            f"is {wanted}, and both sides are entered",
            "a long signal buys a CALL, a short one a PUT",
            f'Remove option_type, or write sides = "{"long" if wanted == "CALL" else "short"}"',
        )
    elif against:
        yield (
            "option_type",
            f"is {wanted}, and the side is {sides}",
            "options are bought only: long with CALL, short with PUT",
            f'Write option_type = "{BOUGHT[sides]}", or writing = true to sell options',
        )


def _of_time(terms: ScanTerms, frame: str) -> Found:
    length = timeframe(frame).length or DAY
    if terms.every_minutes * MINUTE % length:
        yield (
            "every_minutes",
            f"is {terms.every_minutes}",
            f"the scan decides on closed {frame} bars",
            f"Use a multiple of {length / MINUTE:g} minutes, or 0 for every bar close",
        )
