"""Anchors in the home and elsewhere: written by themselves, compared with each other, and with the journal at every start."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.contracts.journal_records import chain
from tests.unit.adapters.sql.test_verify import without_rules
from theo.adapters.sql.database.place import Place
from theo.adapters.sql.journal.anchors import Anchor
from theo.adapters.sql.journal.audit_trail import AuditEntry, AuditTrail
from theo.adapters.sql.journal.store import ANCHOR_RECORDS, ANCHOR_SECONDS, SqlJournalStore
from theo.adapters.sql.journal.verify import verify
from theo.domain.errors import CorruptionError, HaltRequiredError
from theo.domain.journal import TRADING, Record


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "home", anchors=tmp_path / "elsewhere")


def written(place: Place, count: int) -> list[Record]:
    store = SqlJournalStore(place)
    records = chain([b"%d" % n for n in range(count)], store.claim(TRADING))
    store.append(records)
    store.close()
    return records


def anchored(store: SqlJournalStore) -> list[int]:
    return [anchor.seq for anchor in store.anchors.all()]


def test_a_writer_anchors_after_so_many_records_after_a_minute_and_at_its_end(place: Place) -> None:
    seconds = [0.0]
    store = SqlJournalStore(place, seconds=lambda: seconds[0])
    many = chain([b""] * (ANCHOR_RECORDS + 3), store.claim(TRADING))
    store.append(many[:-3])
    assert anchored(store) == []
    store.append(many[-3:-2])
    assert anchored(store) == [ANCHOR_RECORDS]
    seconds[0] = ANCHOR_SECONDS
    store.append(many[-2:-1])
    assert anchored(store) == [ANCHOR_RECORDS, ANCHOR_RECORDS + 1]
    store.append(many[-1:])
    store.close()
    assert anchored(store) == [ANCHOR_RECORDS, ANCHOR_RECORDS + 1, ANCHOR_RECORDS + 3]


def test_records_of_a_writer_that_was_killed_are_anchored_at_the_next_start(place: Place) -> None:
    killed = SqlJournalStore(place)
    killed.append(chain([b"a", b"b"], killed.claim(TRADING)))
    for lock in (place.folder / "locks").iterdir():
        lock.unlink()
    store = SqlJournalStore(place)
    assert anchored(store) == []
    store.claim(TRADING)
    assert anchored(store) == [2]
    store.close()


@pytest.mark.parametrize("kept", [0, 4])
def test_nobody_goes_on_with_a_journal_that_was_cut(place: Place, kept: int) -> None:
    written(place, 5)
    with closing(sqlite3.connect(place.folder / "journal.db")) as raw, raw:
        without_rules(raw)
        raw.execute("DELETE FROM journal WHERE seq > ?", [kept])
    store = SqlJournalStore(place)
    with pytest.raises(CorruptionError, match="record 5 of trading is not stored"):
        store.claim(TRADING)
    store.close()


def test_nobody_goes_on_with_a_journal_that_was_forged(place: Place) -> None:
    written(place, 5)
    (place.folder / "journal.db").rename(place.folder / "other")
    aside = [file.rename(place.folder / "aside") for file in place.folder.glob("*.anchors")]
    written(Place(place.folder), 3)
    aside[0].rename(place.folder / "journal.anchors")
    store = SqlJournalStore(place)
    with pytest.raises(CorruptionError, match="record 5 of trading is not stored"):
        store.claim(TRADING)
    store.close()


def test_a_stream_that_was_set_back_goes_on_and_the_file_says_so(place: Place) -> None:
    records = written(place, 5)
    with closing(sqlite3.connect(place.folder / "journal.db")) as raw, raw:
        without_rules(raw)
        raw.execute("DELETE FROM journal WHERE seq > 3")
    store = SqlJournalStore(place)
    store.anchors.add([Anchor(TRADING, 3, records[2].hash, set_back=True)])
    epoch = store.claim(TRADING)
    store.append(chain([b"new"] * 4, epoch, after=records[2]))
    store.close()
    again = SqlJournalStore(place)
    assert [walked.fault for walked in verify(again, again.anchors.all())] == [None]
    assert (again.anchors.newest()[TRADING].seq, again.anchors.times_set_back()) == (7, 1)
    assert again.anchors.fault() == ""
    again.close()


def second_of(place: Place) -> Path:
    assert place.anchors is not None
    (found,) = place.anchors.iterdir()
    return found


def test_the_second_file_holds_the_same_and_names_the_home(place: Place) -> None:
    written(place, 5)
    second = second_of(place)
    assert second.name.startswith("home-")
    assert second.read_bytes() == (place.folder / "journal.anchors").read_bytes()


def test_a_rewritten_home_is_judged_by_the_second_file(place: Place) -> None:
    """Whoever may write the home forges journal and anchors together; the folder elsewhere is not theirs."""
    written(place, 5)
    for file in place.folder.glob("journal.*"):
        file.unlink()
    store = SqlJournalStore(Place(place.folder))
    store.append(chain([b"forged"] * 5, store.claim(TRADING)))
    store.close()
    again = SqlJournalStore(place)
    (walked,) = verify(again, again.anchors.all())
    assert walked.fault is not None
    assert walked.fault.seq == 1
    assert "line 1 is another" in again.anchors.fault()
    with pytest.raises(CorruptionError, match="record 5 of trading is another one"):
        again.claim(TRADING)
    again.close()


@pytest.mark.parametrize("kept", [0, 40])
def test_a_cut_first_file_is_told_and_the_second_still_counts(place: Place, kept: int) -> None:
    written(place, 5)
    first = place.folder / "journal.anchors"
    first.write_bytes(first.read_bytes()[:kept])
    store = SqlJournalStore(place)
    assert "ends before line 1" in store.anchors.fault()
    assert anchored(store) == [5]
    first.unlink()
    assert "is gone" in store.anchors.fault()
    store.close()


def test_a_journal_that_is_thrown_away_may_be_followed_by_another_and_the_second_file_keeps_both(place: Place) -> None:
    written(place, 5)
    store = SqlJournalStore(place)
    store.claim(TRADING)
    store.give_up()
    store.close()
    shutil.rmtree(place.folder)
    written(place, 3)
    store = SqlJournalStore(place)
    assert [walked.fault for walked in verify(store, store.anchors.all())] == [None]
    assert (store.anchors.fault(), store.anchors.behind(), store.anchors.times_set_back()) == ("", 0, 1)
    assert [int(line.split()[1]) for line in second_of(place).read_text().splitlines()] == [5, 0, 3]
    store.close()


def test_a_journal_that_is_removed_without_a_word_is_missed(place: Place) -> None:
    written(place, 5)
    shutil.rmtree(place.folder)
    store = SqlJournalStore(place)
    with pytest.raises(CorruptionError, match="record 5 of trading is not stored"):
        store.claim(TRADING)
    store.close()


def test_a_second_place_that_is_away_is_told_and_catches_up(tmp_path: Path) -> None:
    blocked = tmp_path / "mount"
    blocked.write_text("not there")
    place = Place(tmp_path / "home", anchors=blocked)
    told: list[str] = []
    store = SqlJournalStore(place)
    store.anchors.tell = told.append
    epoch = store.claim(TRADING)
    records = chain([b"a", b"b"], epoch)
    store.append(records[:1])
    store.anchor()
    assert "cannot be written" in told[0]
    assert store.anchors.behind() > 0
    blocked.unlink()
    store.append(records[1:])
    store.close()
    assert len(told) == 1
    assert second_of(place).read_bytes() == (place.folder / "journal.anchors").read_bytes()


def test_nothing_is_appended_while_anchors_that_are_due_cannot_be_written(place: Place) -> None:
    store = SqlJournalStore(place)
    many = chain([b""] * (ANCHOR_RECORDS + 1), store.claim(TRADING))
    store.append(many[:-1])
    (place.folder / "journal.anchors").mkdir()
    with pytest.raises(HaltRequiredError, match=r"journal.anchors.*cannot be"):
        store.append(many[-1:])
    (place.folder / "journal.anchors").rmdir()
    store.append(many[-1:])
    store.close()


def test_several_processes_write_one_audit_trail(place: Place) -> None:
    trails = [AuditTrail(place), AuditTrail(place)]
    for number in range(6):
        trails[number % 2].record(AuditEntry(number, "me", "configuration" if number < 5 else "backup", "x", "text"))
    assert [entry.at for entry in trails[0].entries()] == list(range(6))
    newest = trails[1].newest("configuration")
    assert newest is not None
    assert newest.at == 4
    (walked,) = verify(trails[0].store, trails[0].store.anchors.all())
    assert (walked.records, walked.fault) == (6, None)
    for trail in trails:
        trail.close()
    assert not (place.folder / "journal.db").exists()
