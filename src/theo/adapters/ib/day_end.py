"""Whether a trading session of a contract has just ended: how an expired DAY order is told from a cancelled one."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ib_async.contract import ContractDetails

from theo.adapters.ib.order_fields import EPOCH
from theo.domain.market_data import MINUTE

NEAR = 2 * MINUTE  # IB ends DAY orders within a minute of the session's end
CLOSED = "CLOSED"


def session_ends_near(details: ContractDetails, at: int) -> bool:
    """Whether ``at`` (microseconds UTC) lies within NEAR of the end of one of IB's trading or liquid hours."""
    try:
        zone = ZoneInfo(details.timeZoneId)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    moment = EPOCH + timedelta(microseconds=at)
    hours = f"{details.tradingHours};{details.liquidHours}".split(";")
    ends = [_end(each.partition("-")[2], zone) for each in hours if each and CLOSED not in each]
    return any(end is not None and abs(moment - end) <= timedelta(microseconds=NEAR) for end in ends)


def _end(text: str, zone: ZoneInfo) -> datetime | None:
    """20261120:1600 in the contract's zone; None for what is no time."""
    try:
        return datetime.strptime(text, "%Y%m%d:%H%M").replace(tzinfo=zone)
    except ValueError:
        return None
