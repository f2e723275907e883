"""`theo compare`: the trades of two runs beside each other, signal by signal."""

from collections import Counter
from pathlib import Path

import msgspec

from theo.adapters.sql.journal.store import SqlJournalStore
from theo.app.home.journals import BESIDE, chosen_folders, run_name, usual_folder
from theo.app.home.layout import Home, open_home
from theo.app.recorded.report import run_facts
from theo.app.terminal.output import json_text
from theo.app.terminal.wide_table import wide_table
from theo.app.times import clock
from theo.domain.errors import UserError
from theo.domain.instrument import MICROS, Instrument
from theo.domain.orders import Side
from theo.report.comparison import Comparison, Pair, Played, Single, Traded, compare, totals

PRICE_DIGITS_MORE = 2  # an average of fills lies between price units
COLUMNS = (
    "strategy", "symbol", "side", "bar", "quantity", "entry", "exit", "entry ticks", "exit ticks", "slippage USD",
    "fees USD", "net USD", "closed",
)  # fmt: skip
RIGHT = {"quantity", "entry", "exit", "entry ticks", "exit ticks", "slippage USD", "fees USD", "net USD"}


class Compared(msgspec.Struct, frozen=True):
    """Two runs and what was found. Money in micros, prices in price units, times in microseconds UTC."""

    first: str
    second: str
    found: Comparison
    slippage: int
    totals: dict[str, tuple[int, int]]


def run(path: Path, first: str, second: str, *, json: bool) -> int:
    """Print it. Without names: the usual run and the one beside it. Raises UserError when there is none."""
    home = open_home(path)
    folder = usual_folder(home, first)
    other = _other(home, folder, second)
    one, two = _played(home, folder), _played(home, other)
    found = compare(one, two)
    compared = Compared(
        first=run_name(home, folder),
        second=run_name(home, other),
        found=found,
        slippage=sum(pair.slippage for pair in found.pairs),
        totals={name: (ours, theirs) for name, ours, theirs in totals(found)},
    )
    if json:
        print(json_text(compared))
    else:
        _print(compared, {**two.instruments, **one.instruments})
    return 0


def _other(home: Home, folder: Path, name: str) -> Path:
    if name:
        return chosen_folders(home, name)[0]
    beside = f"{run_name(home, folder)}{BESIDE}"
    found = next((each for each in chosen_folders(home, "") if run_name(home, each) == beside), None)
    if found is None:
        raise UserError(
            f"no run is beside {run_name(home, folder)}",
            why="none of its scans has shadow = true, and none of mode virtual was named with them",
            remedy="Name the two runs that are to be compared: theo compare RUN OTHER",
        )
    return found


def _played(home: Home, folder: Path) -> Played:
    store = SqlJournalStore(home.place(folder))
    try:
        _, instruments, facts = run_facts(store)
    finally:
        store.close()
    return Played(facts, instruments)


def _print(compared: Compared, instruments: dict[int, Instrument]) -> None:
    found = compared.found
    print(f"{compared.first} / {compared.second}")
    print(f"{len(found.pairs)} trades in both; {_only(found, compared)}; {found.refused} signals that neither took")
    if found.versions:
        print(f"of different versions: {', '.join(found.versions)}")
    if any(found.others):
        print(f"left out, opened by hand: {found.others[0]} / {found.others[1]}")
    if found.pairs:
        print()
        wide_table(COLUMNS, [_row(pair, instruments[pair.instrument]) for pair in found.pairs], right=RIGHT)
        print()
        _sums(compared)
    if found.singles:
        print()
        names = ("only in", "strategy", "symbol", "side", "bar", "net USD", "why not in the other")
        wide_table(names, [_single_row(one, compared) for one in found.singles], right={"net USD"})


def _only(found: Comparison, compared: Compared) -> str:
    counts = Counter(one.first for one in found.singles)
    return f"{counts[True]} only in {compared.first}, {counts[False]} only in {compared.second}"


def _sums(compared: Compared) -> None:
    pairs = compared.found.pairs
    worse = sum(pair.slippage > 0 for pair in pairs)
    print(f"slippage of {compared.first}: {_usd(compared.slippage)} USD; {worse} of {len(pairs)} trades filled worse")
    for name, (ours, theirs) in compared.totals.items():
        print(f"{name}: {_usd(ours)} / {_usd(theirs)} USD, {(ours - theirs) / MICROS:+,.2f}")


def _row(pair: Pair, instrument: Instrument) -> list[str]:
    first, second = pair.first, pair.second
    return [
        pair.config,
        pair.symbol,
        _side(pair.side),
        clock(pair.end),
        _both(str(first.quantity), str(second.quantity)),
        _both(_price(first.entry, instrument), _price(second.entry, instrument)),
        _both(_price(first.exit, instrument), _price(second.exit, instrument)),
        f"{pair.entry_ticks:+.2f}",
        "" if pair.exit_ticks is None else f"{pair.exit_ticks:+.2f}",
        _usd(pair.slippage),
        _both(_usd(first.charges), _usd(second.charges)),
        _both(_usd(first.net), _usd(second.net)),
        _both(_how(first), _how(second)),
    ]


def _single_row(one: Single, compared: Compared) -> list[str]:
    run_id = compared.first if one.first else compared.second
    why = one.why if one.rule in one.why else f"{one.rule}: {one.why}"
    return [run_id, one.config, one.symbol, _side(one.side), clock(one.end), _usd(one.trade.net), why]


def _side(side: Side) -> str:
    return "Long" if side is Side.BUY else "Short"


def _both(first: str, second: str) -> str:
    return first if first == second else f"{first} / {second}"


def _how(trade: Traded) -> str:
    return trade.how or trade.status


def _price(units: float | None, instrument: Instrument) -> str:
    digits = instrument.price_decimals + PRICE_DIGITS_MORE
    return "-" if units is None else str(round(units / 10**instrument.price_decimals, digits))


def _usd(micros: int) -> str:
    return f"{micros / MICROS:,.2f}"
