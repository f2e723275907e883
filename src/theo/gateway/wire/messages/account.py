"""Accounts: values, portfolio, positions, summaries, profit and loss."""

from decimal import Decimal

from theo.gateway.wire.kinds import MarketSize, MaxFloat
from theo.gateway.wire.messages.contract import CONTRACT_HELD, CONTRACT_PORTFOLIO, Contract
from theo.gateway.wire.schema import Message, answer, request


class ReqAccountUpdates(Message, frozen=True):
    """Begins or ends the stream of an account's values and portfolio."""

    subscribe: bool
    account: str


class ReqPositions(Message, frozen=True):
    """Begins the stream of positions of all accounts."""


class CancelPositions(Message, frozen=True):
    """Ends it."""


class ReqAccountSummary(Message, frozen=True):
    """Begins a stream of the named values: a group of accounts, or All."""

    req_id: int
    group: str
    tags: str


class CancelAccountSummary(Message, frozen=True):
    """Ends it."""

    req_id: int


class ReqPositionsMulti(Message, frozen=True):
    """Begins a stream of positions of an account and model."""

    req_id: int
    account: str
    model_code: str


class CancelPositionsMulti(Message, frozen=True):
    """Ends it."""

    req_id: int


class ReqAccountUpdatesMulti(Message, frozen=True):
    """Begins a stream of values of an account and model."""

    req_id: int
    account: str
    model_code: str
    ledger_and_nlv: bool


class CancelAccountUpdatesMulti(Message, frozen=True):
    """Ends it."""

    req_id: int


class ReqPnL(Message, frozen=True):
    """Begins a stream of an account's profit and loss."""

    req_id: int
    account: str
    model_code: str


class CancelPnL(Message, frozen=True):
    """Ends it."""

    req_id: int


class ReqPnLSingle(Message, frozen=True):
    """Begins a stream of a position's profit and loss."""

    req_id: int
    account: str
    model_code: str
    con_id: int


class CancelPnLSingle(Message, frozen=True):
    """Ends it."""

    req_id: int


class UpdateAccountValue(Message, frozen=True):
    """A value of an account, as text."""

    key: str
    value: str
    currency: str
    account: str


class UpdatePortfolio(Message, frozen=True):
    """A position with its value. The contract carries its primary exchange instead of an exchange."""

    contract: Contract
    position: Decimal
    market_price: float
    market_value: float
    average_cost: float
    unrealized_pnl: float
    realized_pnl: float
    account: str


class UpdateAccountTime(Message, frozen=True):
    """The time of the values before it, HH:MM."""

    time: str


class AccountDownloadEnd(Message, frozen=True):
    """Values and portfolio have been sent once."""

    account: str


class Position(Message, frozen=True):
    """A position; 0 when it has been closed."""

    account: str
    contract: Contract
    position: Decimal
    avg_cost: float


class PositionEnd(Message, frozen=True):
    """All positions have been sent once."""


class AccountSummary(Message, frozen=True):
    """A value of a summary, as text."""

    req_id: int
    account: str
    tag: str
    value: str
    currency: str


class AccountSummaryEnd(Message, frozen=True):
    """The summary has been sent once."""

    req_id: int


class PositionMulti(Message, frozen=True):
    """A position of an account and model."""

    req_id: int
    account: str
    contract: Contract
    position: Decimal
    avg_cost: float
    model_code: str


class PositionMultiEnd(Message, frozen=True):
    """All positions have been sent once."""

    req_id: int


class AccountUpdateMulti(Message, frozen=True):
    """A value of an account and model, as text."""

    req_id: int
    account: str
    model_code: str
    key: str
    value: str
    currency: str


class AccountUpdateMultiEnd(Message, frozen=True):
    """All values have been sent once."""

    req_id: int


class PnL(Message, frozen=True):
    """An account's profit and loss of the day, open and realized; None where it is not known."""

    req_id: int
    daily: MaxFloat
    unrealized: MaxFloat
    realized: MaxFloat


class PnLSingle(Message, frozen=True):
    """A position's profit and loss; None where it is not known."""

    req_id: int
    position: MarketSize
    daily: MaxFloat
    unrealized: MaxFloat
    realized: MaxFloat
    value: MaxFloat


REQUESTS = (
    request(ReqAccountUpdates, 6, version=2),
    request(ReqPositions, 61, version=1),
    request(ReqAccountSummary, 62, version=1),
    request(CancelAccountSummary, 63, version=1),
    request(CancelPositions, 64, version=1),
    request(ReqPositionsMulti, 74, version=1),
    request(CancelPositionsMulti, 75, version=1),
    request(ReqAccountUpdatesMulti, 76, version=1),
    request(CancelAccountUpdatesMulti, 77, version=1),
    request(ReqPnL, 92),
    request(CancelPnL, 93),
    request(ReqPnLSingle, 94),
    request(CancelPnLSingle, 95),
)
_MONEY = ("market_price", "market_value", "average_cost", "unrealized_pnl", "realized_pnl")
ANSWERS = (
    answer(UpdateAccountValue, 6, version=2),
    answer(UpdatePortfolio, 7, *CONTRACT_PORTFOLIO, "position", *_MONEY, "account", version=8),
    answer(UpdateAccountTime, 8, version=1),
    answer(AccountDownloadEnd, 54, version=1),
    answer(Position, 61, "account", *CONTRACT_HELD, "position", "avg_cost", version=3),
    answer(PositionEnd, 62, version=1),
    answer(AccountSummary, 63, version=1),
    answer(AccountSummaryEnd, 64, version=1),
    answer(PositionMulti, 71, "req_id", "account", *CONTRACT_HELD, "position", "avg_cost", "model_code", version=1),
    answer(PositionMultiEnd, 72, version=1),
    answer(AccountUpdateMulti, 73, version=1),
    answer(AccountUpdateMultiEnd, 74, version=1),
    answer(PnL, 94),
    answer(PnLSingle, 95),
)
