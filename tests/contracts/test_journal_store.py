"""What every JournalStore must do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.journal_records import chain
from tests.postgres import DATABASES, Opening
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.domain.errors import HaltRequiredError
from theo.domain.journal import TRADING
from theo.ports.store import JournalStore

OpenStore = Opening[SqlJournalStore]


@pytest.fixture(params=DATABASES)
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    return Opening(SqlJournalStore, request.param)


@pytest.fixture
def store(open_store: OpenStore, tmp_path: Path) -> Iterator[JournalStore]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def test_an_empty_stream_has_no_head(store: JournalStore) -> None:
    assert store.head(TRADING) is None
    assert list(store.read(TRADING)) == []
    assert store.streams() == ()


def test_what_was_appended_is_read_back_by_another_process_of_the_store(open_store: OpenStore, tmp_path: Path) -> None:
    first = open_store(tmp_path)
    epoch = first.claim(TRADING)
    records = chain([b"a", b"", b"\x00\xff" * 500], epoch)
    first.append(records[:1])
    first.append(records[1:])
    first.close()
    second = open_store(tmp_path)
    assert list(second.read(TRADING)) == records
    head = second.head(TRADING)
    assert head is not None
    assert (head.seq, head.hash) == (3, records[-1].hash)
    second.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(-3, 700), length=st.integers(0, 700))
def test_ranges_are_slices(wide_store: JournalStore, first: int, length: int) -> None:
    seqs = [record.seq for record in wide_store.read(TRADING, first, first + length)]
    assert seqs == list(range(max(first, 1), min(first + length, 600) + 1))


@pytest.fixture
def wide_store(store: JournalStore) -> JournalStore:
    """600 records: more than two pages of a reader."""
    store.append(chain([b"x"] * 600, store.claim(TRADING)))
    return store


def test_a_reader_goes_on_while_records_are_appended(wide_store: JournalStore) -> None:
    reader = wide_store.read(TRADING)
    last = next(reader)
    for last in reader:
        if last.seq == 600:
            break
    wide_store.append(chain([b"y"], last.epoch, after=last))
    assert [r.payload for r in wide_store.read(TRADING, 600)] == [b"x", b"y"]


def test_several_streams_in_one_append(store: JournalStore) -> None:
    epoch = store.claim(TRADING, "ticks:market")
    ticks, steps = chain([b"t"], epoch, "ticks:market"), chain([b"s", b"s2"], epoch)
    store.append(ticks + steps)
    assert store.streams() == ("ticks:market", TRADING)
    assert list(store.read("ticks:market")) == ticks


def test_all_or_none(store: JournalStore) -> None:
    epoch = store.claim(TRADING)
    good = chain([b"a", b"b", b"c"], epoch)
    with pytest.raises(HaltRequiredError, match="does not follow"):
        store.append([good[0], good[2]])
    assert store.head(TRADING) is None


@pytest.mark.parametrize("again", [0, 1])
def test_a_record_is_stored_once(store: JournalStore, again: int) -> None:
    records = chain([b"a", b"b"], store.claim(TRADING))
    store.append(records)
    with pytest.raises(HaltRequiredError, match="does not follow the stored record 2"):
        store.append(records[again:])
    assert list(store.read(TRADING)) == records


def test_another_previous_hash_is_refused(store: JournalStore) -> None:
    epoch = store.claim(TRADING)
    records = chain([b"a", b"b"], epoch)
    other = chain([b"A", b"b"], epoch)
    store.append(records[:1])
    with pytest.raises(HaltRequiredError, match="does not follow"):
        store.append(other[1:])


def test_nobody_writes_without_a_claim(store: JournalStore) -> None:
    with pytest.raises(HaltRequiredError, match="may not write the stream trading"):
        store.append(chain([b"a"], 1))


def test_a_second_writer_is_refused_until_the_first_is_gone(open_store: OpenStore, tmp_path: Path) -> None:
    first, second = open_store(tmp_path), open_store(tmp_path)
    epoch = first.claim(TRADING)
    with pytest.raises(HaltRequiredError, match="another process writes the stream trading") as refused:
        second.claim("ticks:market", TRADING)
    assert "--home" in refused.value.remedy
    first.close()
    assert second.claim("ticks:market", TRADING) > epoch
    second.close()


def test_epochs_grow_for_ever(open_store: OpenStore, tmp_path: Path) -> None:
    epochs = []
    for _ in range(4):
        store = open_store(tmp_path)
        epochs.append(store.claim(TRADING))
        store.close()
    assert epochs == sorted(set(epochs))


def test_a_paused_predecessor_is_fenced_off(open_store: OpenStore, tmp_path: Path) -> None:
    """Its lock is gone (a network disk, a deleted file) and another has claimed: its epoch is too old for any append."""
    paused = open_store(tmp_path)
    old_epoch = paused.claim(TRADING)
    open_store.lose_locks(tmp_path)
    successor = open_store(tmp_path)
    epoch = successor.claim(TRADING)
    with pytest.raises(HaltRequiredError, match="may not write"):
        paused.append(chain([b"old"], old_epoch))
    records = chain([b"new"], epoch)
    successor.append(records)
    with pytest.raises(HaltRequiredError, match="may not write"):
        paused.append(chain([b"old"], old_epoch, after=records[0]))
    assert list(successor.read(TRADING)) == records
    paused.close()
    successor.close()


def test_two_snapshots_are_kept_newest_first(store: JournalStore) -> None:
    store.append(chain([b"x"] * 9, store.claim(TRADING)))
    for seq in (3, 5, 8):
        store.save_snapshot(seq, 1, "build", f"digest{seq}", b"payload%d" % seq)
    newest = store.newest_snapshots()
    assert [(s.seq, s.digest, s.payload, s.intact) for s in newest] == [
        (8, "digest8", b"payload8", True),
        (5, "digest5", b"payload5", True),
    ]
    store.save_snapshot(8, 2, "build", "again", b"other")
    assert [s.seq for s in store.newest_snapshots()] == [8, 5]
    assert store.newest_snapshots()[0].state_version == 2


def test_a_snapshot_never_knows_more_than_the_journal(store: JournalStore) -> None:
    store.append(chain([b"x"], store.claim(TRADING)))
    with pytest.raises(HaltRequiredError, match="before the record"):
        store.save_snapshot(2, 1, "build", "d", b"")
    assert store.newest_snapshots() == ()
