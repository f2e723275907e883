"""Incidents of the connection between the gateway and IB's servers."""

from theo.gateway.client import NO_REQUEST, Client
from theo.gateway.desk import Desk
from theo.gateway.incidents.incident import Act, Args, Incident, Lever, number
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
        return {**found, "fills-during-1100": self._fills()}

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
