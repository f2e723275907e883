"""What contract details say beyond the listing itself."""

import msgspec

from theo.gateway.desk import Listing
from theo.gateway.wire.kinds import TagValue


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Reference data of one contract. Dates are ``YYYYMMDD``; empty where there is none.

    ``expired`` is whether its last trading day is before the book's day. ``derivatives`` are security types made of it.
    """

    contract_month: str = ""
    real_expiration: str = ""
    last_time: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    stock_type: str = ""
    under_symbol: str = ""
    under_sec_type: str = ""
    sec_ids: tuple[TagValue, ...] = ()
    derivatives: tuple[str, ...] = ()
    expired: bool = False


class Listed(msgspec.Struct, frozen=True):
    """A listing with its facts."""

    listing: Listing
    facts: Facts
