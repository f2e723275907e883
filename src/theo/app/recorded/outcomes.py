"""What became of a decision: its signal, the refusal or the trade, the orders and their fills, from the projected tables."""

from collections.abc import Mapping

from theo.app.terminal.wide_table import table_lines
from theo.app.times import clock, iso, parse_time
from theo.domain.instrument import MICROS, Instrument
from theo.ports.market_store import Cell, MarketStore
from theo.report.told import FillTold, OrderTold, Refusal, SignalTold, TradeTold

INDENT = "  "
PRICES = ("limit_price", "stop_price", "trail")

Row = Mapping[str, Cell]


def became(market: MarketStore, config: str, end: int) -> list[SignalTold]:
    """The signals that the decision at ``end`` raised, each with its outcome."""
    instruments = {i.id: i for i in market.instruments()}
    return [
        _signal(market, row, instruments[_int(row, "instrument")], end)
        for row in market.rows("signals", config=config, end_at=end)
    ]


def trade_of_signal(market: MarketStore, signal: str) -> TradeTold | None:
    """The trade that an entry was promoted to; None while there is none."""
    row = next(market.rows("trades", signal_id=signal), None)
    if row is None:
        return None
    instruments = {i.id: i for i in market.instruments()}
    return _trade(market, row, instruments[_int(row, "instrument")])


def _signal(market: MarketStore, row: Row, instrument: Instrument, end: int) -> SignalTold:
    if row["kind"] == "exit":
        held = market.rows("trades", config=row["config"], instrument=row["instrument"], run=str(row["run"]))
        trades = [trade for trade in held if _open_at(trade, end)]
    else:
        trades = list(market.rows("trades", signal_id=row["id"]))
    refused = Refusal(str(row["refused_rule"]), _float(row, "refused_value"), _float(row, "refused_limit"))
    return SignalTold(
        id=str(row["id"]),
        kind=str(row["kind"]),
        symbol=instrument.symbol,
        side=str(row["side"]),
        type=str(row["order_type"]),
        entry=_price(row, "entry", instrument),
        stop=_price(row, "stop", instrument),
        target=_price(row, "target", instrument),
        reason=str(row["reason"]),
        status=str(row["status"]),
        status_reason=str(row["status_reason"]),
        refused=refused if refused.rule else None,
        trades=[_trade(market, t, instrument) for t in trades],
    )


def _open_at(trade: Row, at: int) -> bool:
    return _int(trade, "opened_at") <= at and (trade["closed_at"] is None or _int(trade, "closed_at") >= at)


def _trade(market: MarketStore, row: Row, instrument: Instrument) -> TradeTold:
    orders = sorted(market.rows("orders", trade_id=row["id"]), key=lambda o: (_int(o, "intended_at"), str(o["id"])))
    return TradeTold(
        id=str(row["id"]),
        side=str(row["side"]),
        quantity=_int(row, "quantity"),
        status=str(row["status"]),
        how=str(row["how"]),
        opened=iso(_int(row, "opened_at")),
        closed="" if row["closed_at"] is None else iso(_int(row, "closed_at")),
        gross=_int(row, "gross") / MICROS,
        charges=_int(row, "charges") / MICROS,
        risk=_int(row, "risk") / MICROS,
        orders=[_order(market, order, instrument) for order in orders],
    )


def _order(market: MarketStore, row: Row, instrument: Instrument) -> OrderTold:
    prices = [_price(row, name, instrument) for name in PRICES]
    return OrderTold(
        id=str(row["id"]),
        role=str(row["role"]),
        side=str(row["side"]),
        type=str(row["order_type"]),
        quantity=_int(row, "quantity"),
        price=" ".join(price for price in prices if price),
        tif=str(row["tif"]),
        status=str(row["status"]),
        reason=str(row["status_reason"]),
        fills=[
            FillTold(
                at=iso(_int(fill, "timestamp")),
                side=str(fill["side"]),
                quantity=_int(fill, "quantity"),
                price=_price(fill, "price", instrument),
                charges=_int(fill, "charges") / MICROS,
            )
            for fill in market.rows("fills", order_id=row["id"])
        ],
    )


def outcome_lines(signals: list[SignalTold]) -> list[str]:
    """The same for people; one line when there was no signal."""
    return [line for signal in signals for line in _signal_lines(signal)] or ["no signal was raised"]


def _signal_lines(signal: SignalTold) -> list[str]:
    levels = [
        f"{name} {text}" for name, text in (("near", signal.entry), ("stop", signal.stop), ("target", signal.target)) if text
    ]
    what = (
        f"{signal.side} {signal.symbol} {signal.type} {', '.join(levels)}" if signal.kind == "entry" else f"exit {signal.symbol}"
    )
    reason = f": {signal.status_reason}" if signal.status_reason else ""
    lines = [f"signal {signal.id}: {what.rstrip()}", f"{INDENT}{signal.status}{reason}"]
    if signal.refused is not None:
        numbers = ", ".join(
            f"{name} {value:,.2f}"
            for name, value in (("value", signal.refused.value), ("limit", signal.refused.limit))
            if value is not None
        )
        lines.append(f"{INDENT}refused by rule {signal.refused.rule}{f' ({numbers})' if numbers else ''}")
    return lines + [INDENT + line for trade in signal.trades for line in _trade_lines(trade)]


def _trade_lines(trade: TradeTold) -> list[str]:
    end = f"closed {clock(parse_time(trade.closed))} by {trade.how}" if trade.closed else "open"
    profit = f"P&L {trade.gross:+,.2f}, charges {trade.charges:,.2f}, net {trade.gross - trade.charges:+,.2f} USD"
    names = ("order", "role", "side", "quantity", "type", "price", "tif", "status", "filled at")
    rows = [
        (
            order.id,
            order.role,
            order.side,
            str(order.quantity),
            order.type,
            order.price,
            order.tif,
            order.status + (f" ({order.reason})" if order.reason else ""),
            ", ".join(f"{fill.quantity} x {fill.price} {clock(parse_time(fill.at))}" for fill in order.fills),
        )
        for order in trade.orders
    ]
    return [
        f"trade {trade.id}: {trade.side} {trade.quantity}, planned loss {trade.risk:,.2f} USD, {end}; {profit}",
        *(INDENT + line for line in table_lines(names, rows, right={"quantity", "price"})),
    ]


def _int(row: Row, name: str) -> int:
    value = row[name]
    assert isinstance(value, int)
    return value


def _float(row: Row, name: str) -> float | None:
    value = row[name]
    return None if value is None else float(value)


def _price(row: Row, name: str, instrument: Instrument) -> str:
    """A price as text, "" where there is none."""
    return "" if row[name] is None else str(instrument.decimal(_int(row, name)))
