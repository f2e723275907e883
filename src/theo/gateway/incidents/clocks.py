"""Incidents of time as clients are told it."""

from zoneinfo import ZoneInfo

from theo.domain.errors import ConfigError
from theo.domain.market_data import SECOND
from theo.gateway.desk import Desk
from theo.gateway.incidents.incident import Args, Incident, Rules, seconds

OTHER_ZONE = "UTC"  # what containers are set to, five hours from New York's winter


def clocks(rules: Rules) -> dict[str, Incident]:
    """By name."""

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
