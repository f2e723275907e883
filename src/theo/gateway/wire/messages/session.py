"""Start, ids, time, errors: what is about the link itself."""

from theo.gateway.wire.kinds import Long
from theo.gateway.wire.schema import Message, answer, request, since


class StartApi(Message, frozen=True):
    """The client is ready, and says who it is. Nothing may be sent to it before this."""

    client_id: int
    optional_capabilities: str = ""


class ReqIds(Message, frozen=True):
    """Asks for the next valid order id."""

    count: int = 1


class ReqManagedAccts(Message, frozen=True):
    """Asks for the accounts of this login."""


class ReqCurrentTime(Message, frozen=True):
    """Asks for the server's time."""


class SetServerLogLevel(Message, frozen=True):
    """1 system to 5 detail. Not answered."""

    level: int


class ReqUserInfo(Message, frozen=True):
    """Asks for the white branding id."""

    req_id: int


class ErrorMessage(Message, frozen=True):
    """An error or a notice. `req_id` is a request's or an order's id, or -1."""

    req_id: int
    code: int
    text: str
    advanced_order_reject_json: str = ""


class ManagedAccounts(Message, frozen=True):
    """Account names with commas between."""

    accounts: str


class NextValidId(Message, frozen=True):
    """The first order id that this client may use."""

    order_id: int


class CurrentTime(Message, frozen=True):
    """Seconds since 1970, UTC."""

    time_s: Long


class UserInfo(Message, frozen=True):
    """The white branding id."""

    req_id: int
    white_branding_id: str


REQUESTS = (
    request(ReqIds, 8, version=1),
    request(SetServerLogLevel, 14, version=1),
    request(ReqManagedAccts, 17, version=1),
    request(ReqCurrentTime, 49, version=1),
    request(StartApi, 71, version=2),
    request(ReqUserInfo, 104, since=167),
)
ANSWERS = (
    answer(ErrorMessage, 4, "req_id", "code", "text", since(166, "advanced_order_reject_json"), version=2),
    answer(NextValidId, 9, version=1),
    answer(ManagedAccounts, 15, version=1),
    answer(CurrentTime, 49, version=1),
    answer(UserInfo, 107, since=167),
)
