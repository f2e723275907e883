"""Whatever is done to a stored journal behind its back is found, at its first place."""

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.journal_records import chain
from theo.adapters.sql.journal.anchors import Anchor, Anchors
from theo.adapters.sql.journal.store import SqlJournalStore
from theo.adapters.sql.journal.verify import chained, verify, verify_stream
from theo.domain.errors import CorruptionError
from theo.domain.journal import TRADING, Record

COUNT = 12
COLUMNS = ("stream", "epoch", "recorded_at", "type", "version", "payload", "previous", "hash")


def records() -> list[Record]:
    return chain([b"payload %d" % n for n in range(COUNT)], 1)


def flipped(value: object, byte: int) -> object:
    """The value with one byte, digit or letter changed."""
    if isinstance(value, int):
        return value + 1 + byte
    if isinstance(value, bytes):
        place = byte % len(value)
        return value[:place] + bytes([value[place] ^ (1 + byte % 255)]) + value[place + 1 :]
    return f"{value}{byte}"


def without_rules(raw: sqlite3.Connection) -> None:
    """As whoever owns the file can have it."""
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")


@settings(max_examples=60)
@given(seq=st.integers(1, COUNT), column=st.sampled_from(COLUMNS), byte=st.integers(0, 255))
def test_any_changed_field_is_found_where_it_is(seq: int, column: str, byte: int) -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder)
        store = SqlJournalStore(home)
        store.claim(TRADING)
        store.append(records())
        store.anchor()
        anchors = store.anchors.all()
        store.close()
        with sqlite3.connect(home / "journal.db") as raw:
            without_rules(raw)
            (before,) = raw.execute(f"SELECT {column} FROM journal WHERE seq = ?", [seq]).fetchone()  # noqa: S608 - a fixed name
            raw.execute(f"UPDATE journal SET {column} = ? WHERE seq = ?", [flipped(before, byte), seq])  # noqa: S608 - a fixed name
        raw.close()
        again = SqlJournalStore(home)
        faults = [walked.fault for walked in verify(again, anchors) if walked.fault and walked.stream == TRADING]
        again.close()
    assert len(faults) == 1
    assert faults[0].seq == seq


@settings(max_examples=100)
@given(data=st.data())
def test_deleted_moved_and_repeated_records_are_found(data: st.DataObject) -> None:
    whole = records()
    at = data.draw(st.integers(0, COUNT - 2))
    kind = data.draw(st.sampled_from(["deleted", "swapped", "repeated", "head cut", "renumbered"]))
    if kind == "deleted":
        changed = whole[:at] + whole[at + 1 :]
    elif kind == "swapped":
        changed = [*whole[:at], whole[at + 1], whole[at], *whole[at + 2 :]]
    elif kind == "repeated":
        changed, at = [*whole[: at + 1], *whole[at:]], at + 1
    elif kind == "head cut":
        changed, at = whole[at + 1 :], 0
    else:
        other = chain([b"another"], 1, after=whole[at - 1] if at else None)
        changed = [*whole[:at], *other, *whole[at + 1 :]]
        at += 1  # the replacement is a right record: the next one does not follow it
    walked = verify_stream(TRADING, changed)
    assert walked.fault is not None
    assert (walked.fault.seq, walked.records) == (at + 1, at)
    if changed[0].seq == 1:  # a reader that begins in the middle cannot know of a cut beginning
        with pytest.raises(CorruptionError, match=f"trading: record {at + 1} "):
            list(chained(changed))


def test_a_whole_journal_has_no_fault_and_an_empty_one_neither(tmp_path: Path) -> None:
    store = SqlJournalStore(tmp_path)
    assert verify(store) == ()
    store.claim(TRADING, "ticks:market")
    store.append(records() + chain([b"t"] * 3, 1, "ticks:market"))
    assert [(w.stream, w.records, w.fault) for w in verify(store)] == [("ticks:market", 3, None), (TRADING, COUNT, None)]
    store.close()


@pytest.mark.parametrize("kept", [0, 1, COUNT - 1])
def test_a_cut_end_shows_against_an_anchor(tmp_path: Path, kept: int) -> None:
    store = SqlJournalStore(tmp_path)
    store.claim(TRADING)
    store.append(records())
    store.anchor()
    store.close()
    with sqlite3.connect(tmp_path / "journal.db") as raw:
        without_rules(raw)
        raw.execute("DELETE FROM journal WHERE seq > ?", [kept])
    raw.close()
    again = SqlJournalStore(tmp_path)
    (walked,) = verify(again, again.anchors.all())
    again.close()
    assert walked.fault is not None
    assert walked.fault.seq == kept + 1
    assert f"an anchor knows record {COUNT}" in walked.fault.what


def test_a_forged_journal_that_hashes_right_shows_against_an_anchor(tmp_path: Path) -> None:
    store = SqlJournalStore(tmp_path)
    store.claim(TRADING)
    store.append(records())
    store.anchor()
    anchors = store.anchors.all()
    store.close()
    forged = chain([b"forged %d" % n for n in range(COUNT + 3)], 1)
    walked = verify_stream(TRADING, forged, anchors)
    assert walked.fault is not None
    assert (walked.fault.seq, "anchored" in walked.fault.what) == (1, True)
    (whole_hash_alone,) = (Anchor(TRADING, a.seq, a.hash) for a in anchors)
    walked = verify_stream(TRADING, forged, [whole_hash_alone])
    assert walked.fault is not None
    assert walked.fault.seq == COUNT


def test_anchors_are_kept_in_order_once_and_survive_a_cut_line(tmp_path: Path) -> None:
    store = SqlJournalStore(tmp_path)
    epoch = store.claim(TRADING)
    whole = records()
    for end in (3, 3, COUNT):
        head = store.head(TRADING)
        store.append(whole[head.seq if head else 0 : end] if epoch else [])
        store.anchor()
    store.close()
    with (tmp_path / "journal.anchors").open("a") as file:
        file.write("trading 13 ab")
    anchors = Anchors(tmp_path / "journal.anchors")
    assert [anchor.seq for anchor in anchors.all()] == [3, COUNT]
    anchors.add([Anchor(TRADING, 14, b"h")])
    assert [anchor.seq for anchor in anchors.all()] == [3, COUNT, 14]
    with (tmp_path / "journal.anchors").open("a") as file:
        file.write("junk\n")
    with pytest.raises(CorruptionError, match="line 5"):
        anchors.all()


def test_a_damaged_page_of_the_file_is_a_fault_not_a_crash(tmp_path: Path) -> None:
    store = SqlJournalStore(tmp_path)
    epoch = store.claim(TRADING)
    store.append(chain([b"x" * 900] * 400, epoch))
    store.close()
    path = tmp_path / "journal.db"
    content = bytearray(path.read_bytes())
    for page in range(20, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\xee" * 64
    path.write_bytes(content)
    again = SqlJournalStore(tmp_path)
    (walked,) = verify(again)
    again.close()
    assert walked.fault is not None
    assert "cannot be read" in walked.fault.what
