"""How often the past may be asked for: IB's rules for bars of up to thirty seconds. Longer bars have no hard limit."""

from collections import deque

from theo.domain.market_data import MINUTE, SECOND

REQUESTS_MAX, WITHIN = 60, 10 * MINUTE
SAME_AGAIN = 15 * SECOND
SAME_CONTRACT_MAX, SAME_CONTRACT_WITHIN = 6, 2 * SECOND


class HistoryPacing:
    """The requests of the login, all clients together. What is refused does not count."""

    __slots__ = ("_of_contract", "_same", "_times")

    def __init__(self) -> None:
        self._times: deque[int] = deque()
        self._same: dict[object, int] = {}
        self._of_contract: deque[tuple[int, object]] = deque()

    def allows(self, now: int, whole: object, contract: object, weight: int) -> bool:
        """Count a request; False when it breaks a rule.

        ``whole`` stands for all of it and ``contract`` for contract, exchange and kind; bid and ask together weigh 2.
        """
        while self._times and self._times[0] <= now - WITHIN:
            self._times.popleft()
        while self._of_contract and self._of_contract[0][0] <= now - SAME_CONTRACT_WITHIN:
            self._of_contract.popleft()
        self._same = {key: at for key, at in self._same.items() if at > now - SAME_AGAIN}
        of_contract = [each for _, each in self._of_contract].count(contract)
        if whole in self._same or of_contract + 1 >= SAME_CONTRACT_MAX or len(self._times) + weight > REQUESTS_MAX:
            return False
        self._same[whole] = now
        self._of_contract.append((now, contract))
        self._times.extend([now] * weight)
        return True
