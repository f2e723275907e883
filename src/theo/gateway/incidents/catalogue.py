"""Every incident that can be played, by the name it has in the field, in words, and as what it does to the rooms."""

from collections.abc import Mapping
from typing import Protocol

from theo.domain.market_data import SECOND
from theo.gateway.client import NO_REQUEST
from theo.gateway.desk import Desk
from theo.gateway.incidents.interference import Disturbance, How, Interference
from theo.gateway.incidents.room import Act, Args, Incident

FOREVER = 1 << 31  # messages
STATUS = ("OrderStatus", "OpenOrder")
LOST, BACK_WITHOUT_DATA, BACK_WITH_DATA = 1100, 1101, 1102
TEXTS = {
    LOST: "Connectivity between IBKR and Trader Workstation has been lost.",
    BACK_WITHOUT_DATA: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    BACK_WITH_DATA: "Connectivity between IBKR and Trader Workstation has been restored - data maintained. "
    "All data farms are connected.",
    2103: "Market data farm connection is broken:usfarm",
    2104: "Market data farm connection is OK:usfarm",
}


class StreamLevers(Protocol):
    """What an incident can do to market data."""

    def silence(self, desk: Desk, *, on: bool) -> None:
        """No ticks on any subscription, and no word about it."""

    def drop_all(self, desk: Desk) -> None:
        """Every subscription is forgotten."""

    def compete(self, desk: Desk, *, on: bool) -> None:
        """10197 on every subscription, no data while it lasts."""

    def advise(self, code: int) -> None:
        """The next subscriptions get an advisory code; their ticks follow."""


class TradingLevers(Protocol):
    """What an incident can do to orders."""

    def hold_reports(self, desk: Desk, *, on: bool) -> None:
        """Orders live on at the exchange; nothing of it is pushed while on, nor afterwards: it must be asked for."""

    def swallow_orders(self, count: int) -> None:
        """The next orders are taken, and no callback ever comes."""

    def split_modifies(self, count: int) -> None:
        """The next changes leave the old order alive beside the new one, under a permId of its own."""

    def reject_orders(self, *, on: bool) -> None:
        """Every order is rejected: the login has lapsed."""

    def late_rejects(self, count: int) -> None:
        """The next orders become Inactive; 201 comes later."""

    def lose_cancels(self, count: int) -> None:
        """The next cancels cross a fill: 10148, then the fill."""

    def correct_execution(self, desk: Desk) -> None:
        """The newest execution is corrected: the same id with the next suffix."""

    def roll_back_ids(self, desk: Desk, count: int) -> None:
        """Order ids that were used are handed out again; orders that were not transmitted are gone."""


def tell_all(desk: Desk, code: int) -> None:
    """A notice to every client."""
    for client in list(desk.clients.values()):
        client.error(NO_REQUEST, code, TEXTS[code])


def number(args: Args, name: str, otherwise: int) -> int:
    """A whole number of a step's arguments."""
    return int(args.get(name, otherwise))


def disturb(interference: Interference, how: How, types: tuple[str, ...] = (), seconds: float = 0.0) -> Incident:
    """Messages of some types meet something from now on, or so many of them (args.count)."""

    def begin(_desk: Desk, args: Args) -> None:
        delay = round(float(args.get("seconds", seconds)) * SECOND)
        interference.add(Disturbance(how, number(args, "count", FOREVER), types, delay))

    def end(_desk: Desk, _args: Args) -> None:
        interference.calm()

    said = {"drop": "never come", "double": "come twice", "delay": "come late", "reorder": "come after the next one"}[how]
    return Incident(f"{', '.join(types) or 'all messages'} {said}", begin, end)


def incidents(streams: StreamLevers, trading: TradingLevers, interference: Interference) -> Mapping[str, Incident]:
    """All incidents by name."""
    return {
        **_links(streams, trading),
        **_sockets(trading),
        **_feeds(streams),
        **_orders(trading),
        "duplicate-callbacks": disturb(interference, "double", (*STATUS, "ExecDetails")),
        "reordered-callbacks": disturb(interference, "reorder", STATUS),
        "missing-statuses": disturb(interference, "drop", ("OrderStatus",)),
        "late-commissions": disturb(interference, "delay", ("CommissionReport",), 30.0),
        "missing-commissions": disturb(interference, "drop", ("CommissionReport",)),
        "duplicate-ticks": disturb(interference, "double", ("TickPrice", "TickSize", "TickByTickLast")),
        "late-ticks": disturb(interference, "delay", ("TickPrice", "TickSize", "TickByTickLast"), 5.0),
        "late-answers": disturb(interference, "delay", (), 10.0),
    }


def _links(streams: StreamLevers, trading: TradingLevers) -> dict[str, Incident]:
    def lost(desk: Desk, _args: Args) -> None:
        trading.hold_reports(desk, on=True)
        streams.silence(desk, on=True)
        tell_all(desk, LOST)

    def back(code: int, *, alive: bool) -> Act:
        def act(desk: Desk, _args: Args) -> None:
            trading.hold_reports(desk, on=False)
            streams.silence(desk, on=not alive)
            if code == BACK_WITHOUT_DATA:
                streams.drop_all(desk)
            tell_all(desk, code)

        return act

    def lapse(desk: Desk, _args: Args) -> None:
        trading.reject_orders(on=True)
        tell_all(desk, LOST)

    def renew(desk: Desk, _args: Args) -> None:
        trading.reject_orders(on=False)
        tell_all(desk, BACK_WITH_DATA)

    return {
        "server-lost": Incident("1100; ended by 1102, data kept", lost, back(BACK_WITH_DATA, alive=True)),
        "server-lost-data-lost": Incident(
            "1100; ended by 1101: subscriptions are gone", lost, back(BACK_WITHOUT_DATA, alive=True)
        ),
        "blind-after-1102": Incident(
            "1100; ended by 1102, and no subscription delivers again", lost, back(BACK_WITH_DATA, alive=False)
        ),
        "reset-window-1100": Incident("1100, and nothing ever ends it", lost),
        "fills-during-1100": Incident(
            "as server-lost: fills of that time must be asked for", lost, back(BACK_WITH_DATA, alive=True)
        ),
        "weekly-2fa": Incident("the login lapses: 1100, and every order is rejected", lapse, renew),
    }


def _sockets(trading: TradingLevers) -> dict[str, Incident]:
    def restart(desk: Desk, args: Args) -> None:
        trading.roll_back_ids(desk, number(args, "ids", 5))
        desk.refuses_until = desk.now + number(args, "seconds", 60) * SECOND
        for client in list(desk.clients.values()):
            client.closes = True

    def other_zone(desk: Desk, args: Args) -> None:
        desk.clock_skew = number(args, "seconds", 5 * 3600) * SECOND

    def true_zone(desk: Desk, _args: Args) -> None:
        desk.clock_skew = 0

    return {
        "nightly-restart": Incident("all sockets close, the port refuses for a while, order ids roll back", restart),
        "time-zone-shift": Incident("the gateway's clock is hours off", other_zone, true_zone),
        "half-open": Incident("sockets stay open, and nothing is sent or read", _stall, _wake),
        "slow-drip": Incident("everything is sent a few bytes at a time", _drip, _pour),
    }


def _stall(desk: Desk, _args: Args) -> None:
    for client in desk.clients.values():
        client.stalled = True


def _wake(desk: Desk, _args: Args) -> None:
    for client in desk.clients.values():
        client.stalled = False


def _drip(desk: Desk, args: Args) -> None:
    for client in desk.clients.values():
        client.drip = number(args, "bytes", 1)


def _pour(desk: Desk, _args: Args) -> None:
    for client in desk.clients.values():
        client.drip = 0


def _feeds(streams: StreamLevers) -> dict[str, Incident]:
    def silent(desk: Desk, _args: Args) -> None:
        streams.silence(desk, on=True)

    def heard(desk: Desk, _args: Args) -> None:
        streams.silence(desk, on=False)

    def blip(desk: Desk, _args: Args) -> None:
        tell_all(desk, 2103)
        streams.silence(desk, on=True)

    def blip_over(desk: Desk, _args: Args) -> None:
        tell_all(desk, 2104)  # and still no tick: that is the incident

    def compete(desk: Desk, _args: Args) -> None:
        streams.compete(desk, on=True)

    def alone(desk: Desk, _args: Args) -> None:
        streams.compete(desk, on=False)

    def advise(_desk: Desk, args: Args) -> None:
        streams.advise(number(args, "code", 10_167))

    return {
        "silent-streams": Incident("subscriptions stand and deliver nothing", silent, heard),
        "farm-blip": Incident("2103; ended by 2104, and the streams stay dead", blip, blip_over),
        "competing-session": Incident("10197: a login elsewhere takes the data", compete, alone),
        "advisory-codes": Incident("an advisory on the next subscriptions, whose ticks follow", advise),
    }


def _orders(trading: TradingLevers) -> dict[str, Incident]:
    def swallow(_desk: Desk, args: Args) -> None:
        trading.swallow_orders(number(args, "count", 1))

    def split(_desk: Desk, args: Args) -> None:
        trading.split_modifies(number(args, "count", 1))

    def late_reject(_desk: Desk, args: Args) -> None:
        trading.late_rejects(number(args, "count", 1))

    def race(_desk: Desk, args: Args) -> None:
        trading.lose_cancels(number(args, "count", 1))

    def correct(desk: Desk, _args: Args) -> None:
        trading.correct_execution(desk)

    return {
        "sent-no-answer": Incident("the next order is taken, and no callback ever comes", swallow),
        "two-permids": Incident("the next change makes two live orders of one", split),
        "inactive": Incident("the next order becomes Inactive, its 201 comes later", late_reject),
        "cancel-races-fill": Incident("the next cancel loses to a fill", race),
        "corrected-execution": Incident("the newest execution is corrected (.02)", correct),
    }
