"""Records of a backtest are appended many at a time: all of them, in order, also when the run breaks off."""

from collections.abc import Sequence

import pytest

from theo.app.home import journals
from theo.app.home.journals import gathered
from theo.domain.errors import HaltRequiredError
from theo.domain.journal import TRADING, Record
from theo.engine.journal import Head


def records_of(count: int, size: int = 100) -> list[Record]:
    head = Head(TRADING)
    return [head.next(1, at, "steps", 1, b"x" * size) for at in range(count)]


def test_groups_are_bounded_in_bytes_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "GATHERED_BYTES", 250)
    groups: list[Sequence[Record]] = []
    records = records_of(7)
    with gathered(groups.append) as append:
        for record in records:
            append([record])
        assert [len(group) for group in groups] == [3, 3]
    assert [record for group in groups for record in group] == records


def test_a_run_that_breaks_off_keeps_what_it_did() -> None:
    groups: list[Sequence[Record]] = []
    records = records_of(2)
    gathering = gathered(groups.append)
    gathering.__enter__()(records)
    stopped = KeyboardInterrupt()
    assert not gathering.__exit__(type(stopped), stopped, None)
    assert groups == [records]


def test_what_the_store_refuses_is_raised_and_not_tried_again() -> None:
    asked: list[int] = []

    def refuses(records: Sequence[Record]) -> None:
        asked.append(len(records))
        raise HaltRequiredError("the disk is full")

    with pytest.raises(HaltRequiredError), gathered(refuses) as append:
        append(records_of(2, journals.GATHERED_BYTES))
    assert asked == [2]
