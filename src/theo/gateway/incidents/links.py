"""Incidents of the connection: to IB's servers, between client and gateway, and the gateway's own restart."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND
from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.desk import NEVER, Desk
from theo.gateway.incidents.incident import Act, Args, Incident, Lever, Rules, number, seconds
from theo.gateway.incidents.levers import StreamLevers, TradingLevers

LOST, BACK_WITHOUT_DATA, BACK_WITH_DATA = 1100, 1101, 1102
BROKEN_ON_ARRIVAL = 2110
TEXTS = {
    LOST: "Connectivity between IBKR and Trader Workstation has been lost.",
    BACK_WITHOUT_DATA: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    BACK_WITH_DATA: "Connectivity between IBKR and Trader Workstation has been restored - data maintained. "
    "All data farms are connected.",
    2103: "Market data farm connection is broken:usfarm",
    2104: "Market data farm connection is OK:usfarm",
    BROKEN_ON_ARRIVAL: "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
}
USUALLY = {"reset-window-1100": "23:50", "weekly-2fa": "Sun 01:00"}  # IB's hours, in the zone of the login
RESTART_SECONDS = 60.0
IDS_BACK = 5
OTHER_ZONE = "UTC"  # what containers are set to, five hours from New York's winter


def tell_all(desk: Desk, code: int) -> None:
    """A notice to every client."""
    for client in list(desk.clients.values()):
        client.error(NO_REQUEST, code, TEXTS[code])


class Links:
    """What incidents of the connection share: a link is down as long as any of them needs it to be."""

    def __init__(self, streams: StreamLevers, trading: TradingLevers, silence: Lever) -> None:
        self._streams, self._trading, self._silence = streams, trading, silence
        self._hold = Lever(trading.hold_reports)
        self._refuse = Lever(lambda desk, *, on: trading.reject_orders(on=on))  # noqa: ARG005 - how a lever is moved
        self._closed = Lever(_close_port)
        self._down = set[str]()  # incidents by which IB's servers are out of reach

    def incidents(self) -> dict[str, Incident]:
        """By name."""
        lost = {
            "server-lost": ("1100, ended by 1102: data are maintained", BACK_WITH_DATA, True, False),
            "server-lost-data-lost": ("1100, ended by 1101: subscriptions are gone", BACK_WITHOUT_DATA, True, False),
            "blind-after-1102": ("1100, ended by 1102, and no subscription delivers again", BACK_WITH_DATA, False, False),
            "reset-window-1100": ("1100 that nothing ends, and every order is rejected", BACK_WITH_DATA, True, True),
            "weekly-2fa": ("the weekly login lapses: 1100, and every order is rejected", BACK_WITH_DATA, True, True),
        }
        found = {
            name: Incident(
                what=what,
                begin=self._lose(name, rejects=rejects),
                end=self._restore(name, code, alive=alive),
                after=self._mute(name),
                usually=USUALLY.get(name, ""),
            )
            for name, (what, code, alive, rejects) in lost.items()
        }
        return {**found, "fills-during-1100": self._fills(), **self._restarts()}

    def greet(self, client: Client) -> None:
        """Who connects while the servers are out of reach is told so."""
        if self._down:
            client.error(NO_REQUEST, BROKEN_ON_ARRIVAL, TEXTS[BROKEN_ON_ARRIVAL])

    def _mute(self, name: str) -> Act:
        """What is subscribed while the servers are out of reach is as silent as the rest."""

        def act(desk: Desk, _args: Args) -> None:
            self._silence.pull(desk, name)

        return act

    def _lose(self, name: str, *, rejects: bool) -> Act:
        def act(desk: Desk, _args: Args) -> None:
            self._down.add(name)
            self._hold.pull(desk, name)
            self._silence.pull(desk, name)
            if rejects:
                self._refuse.pull(desk, name)
            tell_all(desk, LOST)

        return act

    def _restore(self, name: str, code: int, *, alive: bool) -> Act:
        def act(desk: Desk, _args: Args) -> None:
            self._down.discard(name)
            self._hold.let_go(desk, name)
            self._refuse.let_go(desk, name)
            if not alive:
                self._silence.leave(name)
            if code == BACK_WITHOUT_DATA:
                self._streams.drop_all(desk)
            tell_all(desk, code)
            if alive:
                self._silence.let_go(desk, name)

        return act

    def _fills(self) -> Incident:
        lose = self._lose("fills-during-1100", rejects=False)

        def begin(desk: Desk, args: Args) -> None:
            lose(desk, args)
            for _ in range(number(args, "fills", 1)):
                perm_id = self._trading.newest(1)
                if perm_id is not None:
                    self._trading.fill_now(desk, perm_id)

        return Incident(
            what="1100; the newest order fills meanwhile; after 1102 nobody is told of it, unless he asks for executions",
            begin=begin,
            end=self._restore("fills-during-1100", BACK_WITH_DATA, alive=True),
            after=self._mute("fills-during-1100"),
            ready=lambda _desk, args: not number(args, "fills", 1) or self._trading.newest(1) is not None,
            takes={"fills": "how many orders fill (1; 0 leaves it to the market, and waits for no order)"},
        )

    # Restarts

    def _restarts(self) -> dict[str, Incident]:
        takes = {"ids": f"by how many the next valid order id goes back ({IDS_BACK})"}
        return {
            "nightly-restart": Incident(
                what="every socket closes, the port refuses, orders that were not transmitted are gone, order ids are reissued",
                begin=self._restart("nightly-restart"),
                end=self._up("nightly-restart"),
                lasts=RESTART_SECONDS,
                takes=takes,
                usually="23:45",
            ),
            "partial-restart": Incident(
                what="half of the newest order fills, and the gateway restarts as it does at night",
                begin=self._partial("partial-restart"),
                end=self._up("partial-restart"),
                lasts=RESTART_SECONDS,
                ready=lambda _desk, _args: self._trading.newest(2) is not None,
                takes=takes,
            ),
            "duplicate-id": Incident(
                what="the next valid order id that is told has been used: an order with it gets 103",
                begin=lambda _desk, args: self._trading.announce_used_ids(number(args, "ids", IDS_BACK)),
                end=lambda _desk, _args: self._trading.announce_used_ids(0),
                takes=takes,
            ),
        }

    def _restart(self, name: str) -> Act:
        def act(desk: Desk, args: Args) -> None:
            ids = number(args, "ids", IDS_BACK)
            self._closed.pull(desk, name)
            self._trading.roll_back_ids(desk, ids)
            for client in list(desk.clients.values()):
                client.closes = True

        return act

    def _up(self, name: str) -> Act:
        def act(desk: Desk, _args: Args) -> None:
            self._closed.let_go(desk, name)

        return act

    def _partial(self, name: str) -> Act:
        restart = self._restart(name)

        def act(desk: Desk, args: Args) -> None:
            perm_id = self._trading.newest(2)
            if perm_id is not None:
                self._trading.fill_now(desk, perm_id, self._trading.remaining(perm_id) // 2)
            restart(desk, args)

        return act


def _close_port(desk: Desk, *, on: bool) -> None:
    desk.refuses_until = NEVER if on else 0


def clocks(rules: Rules) -> dict[str, Incident]:
    """Incidents of time as clients are told it."""

    def other_zone(desk: Desk, args: Args) -> None:
        zone = str(args.get("zone", OTHER_ZONE))
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise ConfigError(f"no time zone is named {zone!r}", remedy="Use a name such as America/Chicago") from error
        rules.change(desk, "time-zone-shift", {"time_zone": zone})

    def skew(desk: Desk, args: Args) -> None:
        desk.clock_skew = round(seconds(args, "seconds", 300.0) * SECOND)

    def true_clock(desk: Desk, _args: Args) -> None:
        desk.clock_skew = 0

    return {
        "time-zone-shift": Incident(
            what="every text of a time is in another zone than the login's, five hours off in winter",
            begin=other_zone,
            end=lambda desk, _args: rules.restore(desk, "time-zone-shift"),
            takes={"zone": f"the other zone ({OTHER_ZONE})"},
        ),
        "clock-skew": Incident(
            what="the gateway's clock, which clients may ask for, is ahead",
            begin=skew,
            end=true_clock,
            takes={"seconds": "by how much (300)"},
        ),
    }


class Sockets:
    """Incidents of the bytes between client and gateway."""

    def __init__(self) -> None:
        self._drip = 0

    def incidents(self) -> dict[str, Incident]:
        """By name."""
        return {
            "half-open": Incident(
                what="sockets that are open now stay so, and nothing is sent or read",
                begin=_each(_stall),
                end=_each(_wake),
            ),
            "slow-drip": Incident(
                what="everything is sent a few bytes at a time",
                begin=self._slow,
                end=self._pour,
                takes={"bytes": "how many (1)"},
            ),
        }

    def greet(self, client: Client) -> None:
        """Who connects later gets its bytes as slowly."""
        client.drip = self._drip

    def _slow(self, desk: Desk, args: Args) -> None:
        self._drip = max(number(args, "bytes", 1), 1)
        for client in desk.clients.values():
            client.drip = self._drip

    def _pour(self, desk: Desk, _args: Args) -> None:
        self._drip = 0
        for client in desk.clients.values():
            client.drip = 0


def _each(change: Callable[[Client], None]) -> Act:
    def act(desk: Desk, _args: Args) -> None:
        for client in desk.clients.values():
            change(client)

    return act


def _stall(client: Client) -> None:
    client.stalled = True


def _wake(client: Client) -> None:
    client.stalled = False
