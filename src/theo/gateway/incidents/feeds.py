"""Incidents of market data and of history."""

from theo.domain.errors import ConfigError
from theo.gateway.access import ADVICE, SHOWN_DELAYED
from theo.gateway.desk import DataAccess, Desk
from theo.gateway.incidents.incident import Args, Incident, Lever, Rules, number, seconds
from theo.gateway.incidents.levers import StreamLevers
from theo.gateway.incidents.links import tell_all

BLIP_SECONDS = 3.0
REFUSALS = {354: DataAccess.NONE, 10_089: DataAccess.NOT_FOR_API, 10_168: DataAccess.DELAYED}
MESSAGES_LEFT = 5  # a second, where fifty are allowed


def feeds(streams: StreamLevers, silence: Lever, rules: Rules) -> dict[str, Incident]:
    """By name."""
    return {**_silences(streams, silence), **_refusals(streams, rules), **_budgets(streams, rules)}


def _silences(streams: StreamLevers, silence: Lever) -> dict[str, Incident]:
    def blip(desk: Desk, _args: Args) -> None:
        tell_all(desk, 2103)
        silence.pull(desk, "farm-blip")

    def blip_over(desk: Desk, _args: Args) -> None:
        silence.leave("farm-blip")  # and still no tick: that is the incident
        tell_all(desk, 2104)

    def compete(desk: Desk, _args: Args) -> None:
        streams.compete(desk, on=True)

    def alone(desk: Desk, _args: Args) -> None:
        streams.compete(desk, on=False)
        silence.let_go(desk, "competing-session")  # others may still need it

    return {
        "silent-streams": Incident(
            what="subscriptions stand and deliver nothing, without a word",
            begin=lambda desk, _args: silence.pull(desk, "silent-streams"),
            end=lambda desk, _args: silence.let_go(desk, "silent-streams"),
        ),
        "farm-blip": Incident(
            what="2103, then 2104, and what was subscribed before stays dead", begin=blip, end=blip_over, lasts=BLIP_SECONDS
        ),
        "competing-session": Incident(
            what="10197: a login elsewhere takes the data; afterwards they come again", begin=compete, end=alone
        ),
    }


def _refusals(streams: StreamLevers, rules: Rules) -> dict[str, Incident]:
    def deny(desk: Desk, args: Args) -> None:
        code, symbol = number(args, "code", 354), str(args.get("symbol", ""))
        if code not in REFUSALS:
            raise ConfigError(f"{code} refuses no data", remedy=f"Use one of: {', '.join(map(str, sorted(REFUSALS)))}")
        denied = {
            listing.con_id: REFUSALS[code] for listing in desk.contracts.listings() if symbol in {"", listing.contract.symbol}
        }
        rules.change(desk, "not-subscribed", {"data_access": denied})

    def advise(_desk: Desk, args: Args) -> None:
        code = number(args, "code", SHOWN_DELAYED)
        if code not in ADVICE:
            raise ConfigError(f"{code} is no advisory", remedy=f"Use one of: {', '.join(map(str, sorted(ADVICE)))}")
        streams.advise(code)

    return {
        "not-subscribed": Incident(
            what="354, 10168 or 10089 answers each new request for live data, as for a login without the subscription",
            begin=deny,
            end=lambda desk, _args: rules.restore(desk, "not-subscribed"),
            takes={"code": "which (354)", "symbol": "of which contracts (all)"},
        ),
        "advisory-codes": Incident(
            what="10167, 10090 or 10091 goes before the ticks of each new line; they follow, delayed ones after 10167",
            begin=advise,
            end=lambda _desk, _args: streams.advise(0),
            takes={"code": f"which ({SHOWN_DELAYED})"},
        ),
    }


def _budgets(streams: StreamLevers, rules: Rules) -> dict[str, Incident]:
    def spend(desk: Desk, args: Args) -> None:
        left = max(number(args, "messages", MESSAGES_LEFT), 1)
        rules.change(desk, "pacing", {"messages_a_second_max": left, "enforce_pacing": True})
        streams.spend_history(on=True)

    def afresh(desk: Desk, _args: Args) -> None:
        rules.restore(desk, "pacing")
        streams.spend_history(on=False)

    def take_lines(desk: Desk, args: Args) -> None:
        rules.change(desk, "too-many-lines", {"lines_max": streams.lines_used() + number(args, "free", 0)})

    def slow(_desk: Desk, args: Args) -> None:
        streams.delay_history(seconds(args, "seconds", 20.0))

    return {
        "pacing": Incident(
            what="the budget is used up: 162 for every question about the past, 100 for more than a few messages a second",
            begin=spend,
            end=afresh,
            takes={"messages": f"how many a second are left ({MESSAGES_LEFT})"},
        ),
        "too-many-lines": Incident(
            what="the login's other applications take the market data lines: 101",
            begin=take_lines,
            end=lambda desk, _args: rules.restore(desk, "too-many-lines"),
            takes={"free": "how many are left (0)"},
        ),
        "slow-history": Incident(
            what="historical bars are answered late",
            begin=slow,
            end=lambda _desk, _args: streams.delay_history(0),
            takes={"seconds": "how late (20)"},
        ),
    }
