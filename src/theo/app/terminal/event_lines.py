"""Facts that people want to read while a run goes on, a line each."""

from collections.abc import Callable, Mapping
from typing import Any

from theo.app.terminal.levels import level_texts
from theo.app.times import clock
from theo.domain.facts import (
    BreakerTripped,
    DataKnown,
    Differed,
    Fact,
    Filled,
    Halted,
    LinkKnown,
    Reconciled,
    Resumed,
    SignalClosed,
    TradeClosed,
    TradeIntended,
)
from theo.domain.instrument import MICROS, Instrument
from theo.ports.feed import Standing

MILLISECOND = 1_000  # microseconds


def line_of(at: int, fact: Fact, instruments: Mapping[int, Instrument]) -> str:
    """The line of a fact, "" for one that is read elsewhere: decisions by `theo why`, orders in `theo status`."""
    said = _of_trading(fact, instruments) or _of_the_platform(fact)
    return f"{clock(at)}  {said}" if said else ""


def _of_trading(fact: Fact, instruments: Mapping[int, Instrument]) -> str:
    if isinstance(fact, TradeIntended):
        i = instruments[fact.instrument]
        stop, target = level_texts(instruments, fact.instrument, fact.stop, fact.target, fact.exits)
        named = f"{i.symbol} {fact.approved.subject.orders[0].contract}".strip()
        return f"{fact.side} {fact.quantity} {named} near {i.text(fact.entry)}, stop {stop}, target {target or 'none'}"
    if isinstance(fact, Filled):
        i = instruments[fact.instrument]
        return f"filled {fact.role}: {fact.side} {fact.quantity} {i.symbol} at {i.text(fact.price)}"
    if isinstance(fact, SignalClosed) and fact.status == "FAILED":
        return f"refused: {fact.reason}"
    if isinstance(fact, DataKnown):
        since = f" since {clock(fact.since)}" if fact.since else ""
        return f"data of {instruments[fact.instrument].symbol} {fact.mark}{since}" + (f": {fact.why}" if fact.why else "")
    if isinstance(fact, TradeClosed) and fact.quantity:
        return f"closed by {fact.how}: {(fact.gross - fact.charges) / MICROS:+,.2f} USD"
    return ""


def _of_the_platform(fact: Fact) -> str:
    """Facts about links, books and latches."""
    said = PLATFORM.get(type(fact))
    return "" if said is None else said(fact)


def _reconciled(fact: Reconciled) -> str:
    state = "agree" if fact.agreed else "do not agree: no new risk"
    return f"books compared: {fact.differences} differences, they {state}"


PLATFORM: dict[type, Callable[[Any], str]] = {
    LinkKnown: lambda fact: f"link {'up' if fact.up else 'down'}: {fact.reason}",
    Reconciled: _reconciled,
    Differed: lambda fact: f"{fact.kind} {fact.subject}: ours {fact.ours}, theirs {fact.theirs}: {fact.done}",
    Halted: lambda fact: f"HALTED by {fact.actor}: {fact.reason}",
    Resumed: lambda fact: f"resumed by {fact.actor}: {fact.reason}",
    BreakerTripped: lambda fact: f"BREAKER: {fact.refused.text}",
}


def feed_line(standing: Standing) -> str:
    """How an instrument's ticks came, and how late the newest were."""
    said = f"{standing.symbol} from {standing.source}: {standing.posted:,} ticks, {standing.filled:,} of them from history"
    latency = standing.latency
    if latency is None:
        return said
    half, most, nearly_all = (each / MILLISECOND for each in (latency.p50, latency.p95, latency.p99))
    return f"{said}; latency p50 {half:,.0f}, p95 {most:,.0f}, p99 {nearly_all:,.0f} ms of the newest {latency.count}"
