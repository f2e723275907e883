"""`theo market` and `theo download`: asking IB, and showing what it says."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from theo.app.broker import market
from theo.app.broker.options import OptionShown, OptionWish, option_question
from theo.app.exit_codes import EXIT_PROBLEM, EXIT_USER
from theo.app.home.instruments import known_instrument
from theo.app.home.layout import open_home
from theo.app.home.sessions import known_sessions
from theo.app.stored.bars import parse_timerange
from theo.app.stored.downloading import Download, Downloaded, download
from theo.app.terminal.output import json_text
from theo.app.terminal.progress import progress_bar
from theo.app.times import clock, iso, parse_time
from theo.domain.errors import TheoError, UserError
from theo.domain.market_data import DAY, SessionScope
from theo.domain.timeframe import timeframe
from theo.market.sessions import Hours
from theo.ports import feed
from theo.ports.market_questions import Listed, OptionSeries

Answer = TypeVar("Answer")
STRIKES_SHOWN = 3  # at either end; --json has all


class DownloadWishes(msgspec.Struct, frozen=True):
    """What the user said, as typed."""

    symbol: str
    timeframe: str
    first: str
    last: str
    scope: str
    source: str


def run_validate(home: Path, symbols: Sequence[str], *, json: bool) -> int:
    """Print what IB says of each symbol."""

    def text(symbol: str, found: Listed) -> str:
        trade = "can be traded" if found.tradable else "can be watched, not traded"
        until = f", last trade day {found.last_day}" if found.last_day else ""
        places = ", ".join(found.exchanges)
        return f"{symbol}: {found.name} ({found.contract}, conId {found.con_id}{until}); {trade}; tick {found.tick}; at {places}"

    return _show(market.ask_each(home, symbols, market.ask_listing), text, json=json)


def run_price(home: Path, symbols: Sequence[str], *, json: bool) -> int:
    """Print the newest price of each symbol."""

    def text(symbol: str, found: market.PriceShown) -> str:
        change = "" if found.change is None else f" ({found.change:+,})"
        return f"{symbol}: {_amount(found.price)}{change}, {found.phase}{_late(late=found.late)}"

    return _show(market.ask_each(home, symbols, market.ask_price), text, json=json)


def run_status(home: Path, symbols: Sequence[str], *, json: bool) -> int:
    """Print the part of the day of each symbol."""

    def text(symbol: str, found: market.StatusShown) -> str:
        until = f" until {clock(parse_time(found.until))} New York" if found.until else ""
        return f"{symbol}: {found.phase}{until}"

    return _show(market.ask_each(home, symbols, market.ask_status), text, json=json)


def run_snapshot(home: Path, symbols: Sequence[str], *, json: bool) -> int:
    """Print the market of each symbol."""

    def text(symbol: str, s: market.SnapshotShown) -> str:
        quote = f"bid {_amount(s.bid)} x {s.bid_size:,}, ask {_amount(s.ask)} x {s.ask_size:,}"
        day = f"open {_amount(s.open)}, high {_amount(s.high)}, low {_amount(s.low)}, close before {_amount(s.close)}"
        return f"{symbol}: last {_amount(s.last)}, {quote}; {day}; volume {s.volume:,}{_late(late=s.late)}"

    return _show(market.ask_each(home, symbols, market.ask_snapshot), text, json=json)


def run_chain(home: Path, symbols: Sequence[str], *, json: bool) -> int:
    """Print the options on each symbol."""

    def text(symbol: str, found: tuple[OptionSeries, ...]) -> str:
        return "\n".join(_series(symbol, each) for each in found) or f"{symbol}: IB lists no options on it"

    return _show(market.ask_each(home, symbols, market.ask_chain), text, json=json)


def run_option(home: Path, symbols: Sequence[str], wish: OptionWish, *, json: bool) -> int:
    """Print which option a signal on each symbol would become."""

    def text(symbol: str, found: OptionShown) -> str:
        named = f"{found.trading_class} {found.expiry} {found.right} {found.strike:,}, x {found.multiplier}, at {found.exchange}"
        return f"{symbol} at {found.price:,}: {named}\n  {found.why}"

    return _show(market.ask_each(home, symbols, option_question(home, wish)), text, json=json)


def run_depth(home: Path, symbols: Sequence[str], rows: int, *, json: bool) -> int:
    """Print the book of each symbol."""

    def text(symbol: str, found: market.DepthShown) -> str:
        sides = (("ask", reversed(found.asks)), ("bid", found.bids))
        lines = [f"  {side} {level.price:>14,} x {level.size:,}" for side, levels in sides for level in levels]
        return "\n".join((f"{symbol}:", *(lines or ["  the book is empty"])))

    return _show(market.ask_each(home, symbols, market.depth_question(rows)), text, json=json)


def run_download(path: Path, wishes: DownloadWishes, *, json: bool) -> int:
    """Download, and say what is in the store."""
    home = open_home(path)
    instrument = known_instrument(home, wishes.symbol)
    start, end = parse_timerange(f"{wishes.first}-{wishes.last}")
    if not wishes.first or start >= end:
        raise UserError(f"--from {wishes.first!r} --to {wishes.last!r}", remedy="Write days as 20260102, the earlier one first")
    hours = Hours(known_sessions(home, instrument), SessionScope(wishes.scope))
    wanted = Download(
        instrument=instrument,
        timeframe=timeframe(wishes.timeframe),
        hours=hours,
        start=start,
        end=end if wishes.last else None,
        source=wishes.source,
    )
    with _progress(wishes.symbol) as tell:
        done = download(home, wanted, market.connection, tell)
    _print_download(done, json=json)
    return 0


def _print_download(done: Downloaded, *, json: bool) -> None:
    if json:
        print(json_text({**msgspec.structs.asdict(done), "first": iso(done.first), "last": iso(done.last)}))
        return
    print(
        f"{done.bars:,} {done.timeframe} bars of {done.symbol} ({done.contract}), "
        f"{clock(done.first)} to {clock(done.last)} New York"
    )
    print(f"stored as {done.source}")
    for count, text in (
        (done.replaced, "replaced what the same source held there"),
        (done.resumed, "were there already"),
    ):
        if count:
            print(f"{count:,} {text}")


def _show(answers: Sequence[tuple[str, Answer | TheoError]], text: Callable[[str, Answer], str], *, json: bool) -> int:
    """Print each answer; errors go to standard error, and the worst of them is the exit code."""
    code = 0
    said: list[dict[str, object]] = []
    for symbol, answer in answers:
        if isinstance(answer, TheoError):
            code = max(code, EXIT_USER if isinstance(answer, UserError) else EXIT_PROBLEM)
            said.append({"symbol": symbol, "error": str(answer)})
            print(f"error: {symbol}: {answer}", file=sys.stderr)
        elif json:
            said.append({"symbol": symbol, "answer": answer})
        else:
            print(text(symbol, answer))
    if json:
        print(json_text(said))
    return code


def _series(symbol: str, each: OptionSeries) -> str:
    strikes = [f"{strike:,}" for strike in each.strikes]
    if len(strikes) > 2 * STRIKES_SHOWN:
        strikes = [*strikes[:STRIKES_SHOWN], "...", *strikes[-STRIKES_SHOWN:]]
    expiries = ", ".join(each.expiries)
    return (
        f"{symbol} {each.trading_class} at {each.exchange}, x {each.multiplier}: expiries {expiries}; "
        f"{len(each.strikes):,} strikes {' '.join(strikes)}"
    )


def _amount(price: Decimal | None) -> str:
    return "none" if price is None else f"{price:,}"


def _late(*, late: bool) -> str:
    return ", a quarter of an hour late" if late else ""


@contextmanager
def _progress(symbol: str) -> Iterator[Callable[[feed.Progress], None]]:
    """A bar on standard error, by days of the span; nothing where no person looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with progress_bar(*columns) as progress:
        task, begun = progress.add_task(f"asking for {symbol}", total=None), 0

        def tell(now: feed.Progress) -> None:
            nonlocal begun
            begun = begun or now.until - DAY
            what = f"{symbol}: {now.bars:,} bars, to {clock(now.until)}"
            progress.update(task, description=what, completed=now.until - begun, total=now.end - begun)

        yield tell
