"""Which fact becomes which row. One function a fact; facts of one kind of row stand together."""

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, Final

import msgspec

from theo.adapters.sql.projection.entity_rows import KEYS, Appended, ByConfig, EntityRows, Row, key_columns
from theo.adapters.sql.tables import projected as t
from theo.domain import facts as f
from theo.domain.keys import Key
from theo.domain.orders import OrderRole, Ticket
from theo.domain.signals import Exit, Proposal
from theo.engine import order_life, signal_life, trade_life
from theo.engine.codec import DecidedText
from theo.engine.order_life import OrderEvent, OrderStatus
from theo.engine.signal_life import SignalEvent, SignalStatus
from theo.engine.trade_life import TradeEvent, TradeStatus

DecidedStep = tuple[int, Sequence[f.Fact | DecidedText]]  # core time, and what was decided then
_json = msgspec.json.Encoder(order="deterministic")


def project(rows: EntityRows, steps: Iterable[DecidedStep], versions: ByConfig) -> None:
    """Change the rows by the facts of one record, in order."""
    decisions: dict[str, Appended] = {}  # by configuration, since the newest other fact: decisions are nearly all facts
    places = count()
    for rows.at, facts in steps:
        for fact, place in zip(facts, places, strict=False):  # numbered through the record
            if isinstance(fact, DecidedText):
                of_config = decisions.get(fact.config)
                if of_config is None:
                    of_config = decisions[fact.config] = rows.appended(t.decisions, rows.context.keys(fact.config))
                of_config.append((rows.seq, place, fact.end, fact.verdict, str(fact.numbers, "ascii"), fact.truths))
            else:
                decisions.clear()
                rows.place = place
                _project_other(rows, fact, versions)


def _project_other(rows: EntityRows, fact: f.Fact, versions: ByConfig) -> None:
    if isinstance(fact, f.RunStarted):
        rows.context.begin(fact.key, fact.cash)
        _run(rows, fact, versions)
        return
    if isinstance(fact, f.Restarted) and fact.world:
        _run(rows, fact, versions)
    _PROJECT[type(fact)](rows, fact)


def _text(value: object) -> str:
    return _json.encode(value).decode()


def _run(rows: EntityRows, fact: f.RunStarted | f.Restarted, versions: ByConfig) -> None:
    context = rows.context
    context.know(fact.world, versions(fact.world))
    came_back = isinstance(fact, f.Restarted)
    named = _text(context.versions)
    rows.append(t.runs, context.keys(), fact.at, fact.build, context.cash, came_back, fact.world, named)


def _signal_raised(rows: EntityRows, fact: f.SignalRaised) -> None:
    """Created at the end of its bar: a configuration decides on each once."""
    _put_signal(rows, fact.id, fact.key, fact.action, (fact.end, None))


def _signal_created(rows: EntityRows, fact: f.SignalCreated) -> None:
    _put_signal(rows, fact.id, fact.key, fact.action, (fact.created_at, fact.expires_at))


def _put_signal(rows: EntityRows, name: str, key: Key, action: Proposal | Exit, life: tuple[int, int | None]) -> None:
    """``life``: when it was created, and when it expires if it does."""
    context, config = rows.context, key.config
    created_at, expires_at = life
    terms: tuple[Any, ...]
    if isinstance(action, Proposal):
        prices = (action.entry, action.stop, action.target)
        terms = ("entry", action.instrument, action.side, action.type.name, *prices, action.quantity)
    else:
        terms = ("exit", action.instrument, "", "", None, None, None, 0)
    came = (action.reason, SignalStatus.PENDING, "", "", None, None)
    listed = (context.timeframe(config), context.scan_id(config), *context.listing(action.instrument))
    times = (True, created_at, max(created_at, rows.at), expires_at)
    rows.put(t.signals, name, *key_columns(key), created_at, *terms, *came, *listed, *times)


def _move_signal(rows: EntityRows, row: Row, status: SignalStatus, reason: str) -> None:
    row["status"], row["status_reason"], row["active"] = status, reason, status in signal_life.ACTIVE
    row["updated_at"] = max(row["updated_at"], rows.at)


def _signal_closed(rows: EntityRows, fact: f.SignalClosed) -> None:
    row = rows.get(t.signals, fact.id)
    status = signal_life.closed(SignalStatus(row["status"]), fact.status, exits=row["kind"] == "exit")
    _move_signal(rows, row, status, fact.reason)
    if fact.refused is not None:
        refused = fact.refused
        row["refused_rule"], row["refused_value"], row["refused_limit"] = refused.rule, refused.value, refused.limit


def _trade_intended(rows: EntityRows, fact: f.TradeIntended) -> None:
    plan = (fact.signal, fact.instrument, fact.side, fact.quantity, fact.entry, fact.stop, fact.target, fact.stop, fact.risk)
    if fact.signal:
        signal = rows.get(t.signals, fact.signal)
        _move_signal(rows, signal, signal_life.next_status(SignalStatus(signal["status"]), SignalEvent.PROMOTED), "")
        signal["quantity"] = fact.quantity
        signal["status_reason"] = fact.why
    life = (TradeStatus.WAITING, "", "")
    sums = (0, 0, 0, 0, 0, 0)
    exits, contract = fact.exits, fact.approved.subject.orders[0].contract
    ends = (None, None, None) if exits is None else (exits.instrument, exits.stop, exits.target)
    rows.put(t.trades, fact.id, *key_columns(fact.key), *plan, *life, *sums, fact.at, None, None, contract, *ends)
    _put_orders(rows, fact.at, key_columns(fact.key), fact.approved.subject, fact.approved.passed)
    if fact.why:
        _event(rows, fact.at, "option", fact.id, fact.why)


def _orders_intended(rows: EntityRows, fact: f.OrdersIntended) -> None:
    trade = rows.get(t.trades, fact.trade)
    keys = tuple(trade[name] for name in KEYS)
    _put_orders(rows, fact.at, keys, fact.approved.subject, fact.approved.passed)


def _put_orders(rows: EntityRows, at: int, keys: tuple[str, ...], ticket: Ticket, passed: tuple[str, ...]) -> None:
    for o in ticket.orders:
        what = (o.trade, o.instrument, o.side, o.type, o.quantity, o.tif, o.role, o.limit, o.stop, o.trail)
        group = (o.parent, o.oca_group, o.oca_type, o.outside_rth, _text(passed))
        on = o.condition
        waits = (None, None, None) if on is None else (on.instrument, on.price, on.above)
        life = (OrderStatus.INTENDED, "", 0, "", at, at, o.route, "", 0, 0)
        rows.put(t.orders, o.id, *keys, *what, *group, *life, o.contract, *waits)


def _move_order(rows: EntityRows, at: int, order: str, event: OrderEvent, reason: str = "") -> Row:
    row = rows.get(t.orders, order)
    following = order_life.next_status(OrderStatus(row["status"]), event)
    if following != row["status"]:
        row["status"], row["changed_at"] = following, at
    if reason:
        row["status_reason"] = reason
    return row


def _cancel_intended(rows: EntityRows, fact: f.CancelIntended) -> None:
    _move_order(rows, fact.at, fact.order, OrderEvent.CANCEL_ASKED, fact.reason)


def _order_moved(rows: EntityRows, fact: f.OrderMoved) -> None:
    row = _move_order(rows, fact.at, fact.order, OrderEvent(fact.event), fact.reason)
    if fact.broker_id:
        row["broker_id"], row["broker"] = fact.broker_id, fact.broker
        row["broker_client_id"], row["broker_handle"] = fact.client_id, fact.handle


def _order_resized(rows: EntityRows, fact: f.OrderResized) -> None:
    row = rows.get(t.orders, fact.order)
    row["quantity"], row["changed_at"] = fact.quantity, fact.at
    for column, value in (("limit_price", fact.limit), ("stop_price", fact.stop), ("trail", fact.trail)):
        if value is not None:
            row[column] = value
    if row["role"] == OrderRole.STOP and fact.stop is not None:
        rows.get(t.trades, row["trade_id"])["current_stop"] = fact.stop


def _filled(rows: EntityRows, fact: f.Filled) -> None:
    order, trade = rows.get(t.orders, fact.order), rows.get(t.trades, fact.trade)
    order["filled"] += fact.quantity
    whole = order["filled"] >= order["quantity"]
    _move_order(rows, fact.at, fact.order, OrderEvent.FULL_FILL if whole else OrderEvent.PART_FILL)
    entering = fact.side == trade["side"]
    trade["in_quantity" if entering else "out_quantity"] += fact.quantity
    trade["entry_sum" if entering else "exit_sum"] += fact.quantity * fact.price
    trade["charges"] += fact.charges
    trade["first_fill_at"] = trade["first_fill_at"] or fact.at
    event = TradeEvent.FILLED_IN if entering else TradeEvent.FILLED_OUT
    trade["status"] = trade_life.next_status(TradeStatus(trade["status"]), event)
    keys = tuple(trade[name] for name in KEYS)
    where = (fact.execution, fact.order, fact.trade, fact.instrument, fact.role, fact.side)
    rows.append(t.fills, keys, *where, fact.quantity, fact.price, fact.value, fact.charges, fact.timestamp, fact.at)


def _fill_revised(rows: EntityRows, fact: f.FillRevised) -> None:
    """A row of its own with what changes, so that the sums over an order's rows are what is counted of it."""
    order, trade = rows.get(t.orders, fact.order), rows.get(t.trades, fact.trade)
    order["filled"] += fact.quantity
    if fact.quantity and order["filled"] >= order["quantity"]:
        _move_order(rows, fact.at, fact.order, OrderEvent.FULL_FILL)
    entering = fact.side == trade["side"]
    trade["in_quantity" if entering else "out_quantity"] += fact.quantity
    trade["entry_sum" if entering else "exit_sum"] += fact.turnover
    trade["charges"] += fact.charges
    if TradeStatus(trade["status"]) in trade_life.OVER:
        event = TradeEvent.FILLED_IN if entering else TradeEvent.FILLED_OUT
        trade["status"] = trade_life.next_status(TradeStatus(trade["status"]), event)
    keys = tuple(trade[name] for name in KEYS)
    where = (fact.execution, fact.order, fact.trade, fact.instrument, order["role"], fact.side)
    rows.append(t.fills, keys, *where, fact.quantity, fact.price, fact.value, fact.charges, fact.at, fact.at)


def _close_asked(rows: EntityRows, fact: f.CloseAsked) -> None:
    row = rows.get(t.trades, fact.trade)
    row["status"] = trade_life.next_status(TradeStatus(row["status"]), TradeEvent.CLOSE_ASKED)
    row["close_reason"] = row["close_reason"] or fact.reason


def _trade_closed(rows: EntityRows, fact: f.TradeClosed) -> None:
    row = rows.get(t.trades, fact.id)
    unfilled = TradeEvent.NOT_REOPENED if fact.rolled_deals else TradeEvent.NEVER_FILLED
    event = TradeEvent.FLAT if fact.quantity else unfilled
    row["status"] = trade_life.next_status(TradeStatus(row["status"]), event)
    closed_before = row["closed_at"] is not None
    row["how"], row["closed_at"] = fact.how, fact.at
    row["gross"], row["charges"] = fact.gross + fact.rolled_gross, fact.charges + fact.rolled_charges
    if not fact.quantity:
        return
    # A trade that ran again after its end closes twice; its sums are of the whole. For all others no deal is looked for.
    before = rows.find(t.deals, fact.id) if closed_before else None
    earlier = (before["gross"], before["charges"]) if before else (0, 0)
    _put_deal(rows, row, fact.id, fact, fact.how)
    day = rows.today(fact.at)
    day["trades_closed"] += 0 if before else 1
    day["gross"] += fact.gross - earlier[0]
    day["charges"] += fact.charges - earlier[1]
    day["net"] = day["gross"] - day["charges"]


def _put_deal(rows: EntityRows, row: Row, name: str, fact: f.TradeClosed | f.LegRolled, how: str) -> None:
    keys = tuple(row[column] for column in KEYS)
    sums = (fact.quantity, fact.entry_sum, fact.exit_sum, fact.gross, fact.charges, fact.gross - fact.charges)
    times = (row["first_fill_at"] or fact.at, fact.at)
    rows.put(t.deals, name, *keys, row["signal_id"], row["instrument"], row["side"], *sums, how, *times)


def _rolled(rows: EntityRows, fact: f.Rolled) -> None:
    moved = f"from {fact.previous}, {fact.difference:+d} price units" if fact.previous else "the first one named"
    kind, how = ("chosen", fact.why) if fact.why else ("rolled", moved)
    _event(rows, fact.at, kind, str(fact.instrument), f"contract {fact.contract}: {how}")


def _roll_asked(rows: EntityRows, fact: f.RollAsked) -> None:
    row = rows.get(t.trades, fact.trade)
    row["status"] = trade_life.next_status(TradeStatus(row["status"]), TradeEvent.ROLL_ASKED)


def _leg_rolled(rows: EntityRows, fact: f.LegRolled) -> None:
    """A deal of its own, named by trade and contract; the trade's sums go on over all of its contracts."""
    row = rows.get(t.trades, fact.trade)
    row["status"] = trade_life.next_status(TradeStatus(row["status"]), TradeEvent.LEG_ROLLED)
    if fact.carried:
        row["status"] = trade_life.next_status(TradeStatus(row["status"]), TradeEvent.FILLED_IN)
    _put_deal(rows, row, f"{fact.trade} {fact.previous}", fact, "roll")
    row["entry"], row["stop"], row["current_stop"] = row["entry"] + fact.difference, fact.stop, fact.stop
    row["target"], row["first_fill_at"] = fact.target, fact.at if fact.carried else None
    row["contract"] = fact.contract
    day = rows.today(fact.at)
    day["trades_closed"] += 1
    day["gross"] += fact.gross
    day["charges"] += fact.charges
    day["net"] = day["gross"] - day["charges"]


def _day_began(rows: EntityRows, fact: f.DayBegan) -> None:
    context = rows.context
    key = (context.key.account, str(context.key.mode), context.key.run)
    if context.day is not None:
        rows.get(t.daily_pnl, *key, context.day)["equity_end"] = fact.equity
    context.day = fact.day
    if rows.find(t.daily_pnl, *key, fact.day) is None:
        rows.put(t.daily_pnl, *key, fact.day, context.key.user, fact.equity, None, 0, 0, 0, 0)


def _breaker_tripped(rows: EntityRows, fact: f.BreakerTripped) -> None:
    r = fact.refused
    what = ("breaker_tripped", "", r.text, r.rule, r.value, r.limit, fact.holds_until)
    rows.append(t.latches, rows.context.keys(), fact.at, *what)


def _breaker_reset(rows: EntityRows, fact: f.BreakerReset) -> None:
    rows.append(t.latches, rows.context.keys(), fact.at, "breaker_reset", fact.actor, fact.reason, "", None, None, None)


def _halted(rows: EntityRows, fact: f.Halted) -> None:
    rows.append(t.latches, rows.context.keys(), fact.at, "halted", fact.actor, fact.reason, "", None, None, None)


def _resumed(rows: EntityRows, fact: f.Resumed) -> None:
    rows.append(t.latches, rows.context.keys(), fact.at, "resumed", fact.actor, fact.reason, "", None, None, None)


def _scan_paused(rows: EntityRows, fact: f.ScanPaused) -> None:
    _event(rows, fact.at, "scan_paused", fact.config, f"by {fact.actor}: {fact.reason}")


def _scan_resumed(rows: EntityRows, fact: f.ScanResumed) -> None:
    _event(rows, fact.at, "scan_resumed", fact.config, f"by {fact.actor}: {fact.reason}")


def _event(rows: EntityRows, at: int, kind: str, subject: str, text: str, severity: str = "") -> None:
    rows.append(t.events, rows.context.keys(), at, kind, severity, subject, text)


def _restarted(rows: EntityRows, fact: f.Restarted) -> None:
    _event(rows, fact.at, "restarted", fact.build, "")


def _amend_intended(rows: EntityRows, fact: f.AmendIntended) -> None:
    _event(rows, fact.at, "amend_intended", fact.approved.subject.order, fact.reason)


def _amend_refused(rows: EntityRows, fact: f.AmendRefused) -> None:
    _event(rows, fact.at, "amend_refused", fact.order, fact.reason)


def _link_known(rows: EntityRows, fact: f.LinkKnown) -> None:
    _event(rows, fact.at, "link", "up" if fact.up else "down", fact.reason)


def _book_asked(rows: EntityRows, fact: f.BookAsked) -> None:
    _event(rows, fact.at, "book_asked", "", fact.reason)


def _book_looked(rows: EntityRows, fact: f.BookLooked) -> None:
    _event(rows, fact.at, "book_asked", "", "by the clock")


def _differed(rows: EntityRows, fact: f.Differed) -> None:
    _event(rows, fact.at, "differed", fact.subject, f"{fact.kind}: ours {fact.ours}, theirs {fact.theirs}; {fact.done}")


def _position_adopted(rows: EntityRows, fact: f.PositionAdopted) -> None:
    _event(
        rows, fact.at, "position_adopted", str(fact.instrument), f"{fact.quantity} beside ours, by {fact.actor}: {fact.reason}"
    )


def _reconciled(rows: EntityRows, fact: f.Reconciled) -> None:
    _event(rows, fact.at, "reconciled", "agreed" if fact.agreed else "not agreed", f"{fact.differences} differences")


def _alerted(rows: EntityRows, fact: f.Alerted) -> None:
    _event(rows, fact.at, "alert", fact.code, fact.text, fact.severity)


def _command_done(rows: EntityRows, fact: f.CommandDone) -> None:
    verdict = "accepted" if fact.accepted else "refused"
    _event(rows, fact.at, "command", fact.id, f"{fact.name} by {fact.actor}, {verdict}: {fact.text}")


def _time_went_back(rows: EntityRows, fact: f.TimeWentBack) -> None:
    _event(rows, fact.at, "time_back", str(fact.input_at), "")


def _data_known(rows: EntityRows, fact: f.DataKnown) -> None:
    since = f" since {fact.since}" if fact.since else ""
    _event(rows, fact.at, "data", str(fact.instrument), f"{fact.mark}{since}: {fact.why}")


_PROJECT: Final[dict[type, Callable[[EntityRows, Any], None]]] = {
    f.Restarted: _restarted,
    f.SignalRaised: _signal_raised,
    f.SignalCreated: _signal_created,
    f.SignalClosed: _signal_closed,
    f.TradeIntended: _trade_intended,
    f.OrdersIntended: _orders_intended,
    f.AmendIntended: _amend_intended,
    f.AmendRefused: _amend_refused,
    f.CloseAsked: _close_asked,
    f.CancelIntended: _cancel_intended,
    f.OrderMoved: _order_moved,
    f.OrderResized: _order_resized,
    f.Filled: _filled,
    f.FillRevised: _fill_revised,
    f.TradeClosed: _trade_closed,
    f.Rolled: _rolled,
    f.RollAsked: _roll_asked,
    f.LegRolled: _leg_rolled,
    f.DayBegan: _day_began,
    f.BreakerTripped: _breaker_tripped,
    f.BreakerReset: _breaker_reset,
    f.ScanPaused: _scan_paused,
    f.ScanResumed: _scan_resumed,
    f.Halted: _halted,
    f.Resumed: _resumed,
    f.LinkKnown: _link_known,
    f.BookAsked: _book_asked,
    f.BookLooked: _book_looked,
    f.Differed: _differed,
    f.PositionAdopted: _position_adopted,
    f.Reconciled: _reconciled,
    f.Alerted: _alerted,
    f.CommandDone: _command_done,
    f.TimeWentBack: _time_went_back,
    f.DataKnown: _data_known,
}
