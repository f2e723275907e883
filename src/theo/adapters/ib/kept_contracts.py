"""Contracts that IB has named, kept in a file from one start to the next, so that only what is new is asked for.

An answer is good for a day: trading hours are told for a few days only, and a future's next month must be seen. A file that
cannot be read, or was written by another version, is as good as none: everything is asked for again.
"""

import os
from pathlib import Path

import msgspec
from ib_async.contract import ContractDetails

from theo.domain.market_data import DAY

KEPT_FOR = DAY
KEPT_MAX = 5_000  # the newest; some kilobytes each


class _Kept(msgspec.Struct, frozen=True):
    """``at`` is when IB said it, microseconds UTC; a future's months, the first to end first."""

    at: int
    listed: tuple[ContractDetails, ...]


class KeptContracts:
    """The file at ``path``; what was asked of whom is the key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str, now: int) -> tuple[ContractDetails, ...]:
        """IB's answer; none when it is older than a day, or of a time that is still to come."""
        found = self._read().get(key)
        return found.listed if found is not None and 0 <= now - found.at < KEPT_FOR else ()

    def after(self, name: str) -> str:
        """The contract that follows a future's by its local symbol, as far as a kept answer says it, however old; else ""."""
        for kept in self._read().values():
            names = [each.contract.localSymbol for each in kept.listed if each.contract is not None]
            if name in names[:-1]:
                return names[names.index(name) + 1]
        return ""

    def put(self, key: str, now: int, listed: tuple[ContractDetails, ...]) -> None:
        """Keep an answer; what is stale goes. A file that cannot be written keeps nothing: it is asked for again."""
        kept = {k: v for k, v in self._read().items() if 0 <= now - v.at < KEPT_FOR} | {key: _Kept(now, listed)}
        newest = dict(sorted(kept.items(), key=lambda item: item[1].at)[-KEPT_MAX:])
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(newest))
            draft.replace(self._path)
        except OSError:
            draft.unlink(missing_ok=True)

    def _read(self) -> dict[str, _Kept]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, _Kept])
        except (OSError, msgspec.MsgspecError):
            return {}
