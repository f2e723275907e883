"""`theo audit`: is the record what was written, who did what, and the record itself for somebody else to check."""

import base64
import csv as csv_module
import sys
from contextlib import closing
from pathlib import Path
from typing import IO

import msgspec

from theo.adapters.sql.journal.anchors import Anchor
from theo.adapters.sql.journal.verify import Verified, chained
from theo.app.exit_codes import EXIT_PROBLEM
from theo.app.home.auditing import (
    AuditedStore,
    Done,
    audited_folders,
    audited_journals,
    audited_store,
    contradictions,
    done_by_people,
    first_at,
    lost_rules,
    note,
    walked,
)
from theo.app.home.layout import Home, open_home
from theo.app.terminal.output import json_text
from theo.app.terminal.wide_table import wide_table
from theo.app.times import iso, parse_time
from theo.domain.errors import CorruptionError, TheoError, UserError
from theo.domain.journal import GENESIS, Record

EVER = 2**62  # a time that never comes
COLUMNS = ("time", "run", "record", "who", "what", "of", "words")
CSV_COLUMNS = (
    "run", "stream", "seq", "epoch", "recorded_at", "type", "version", "payload", "payload_base64", "previous", "hash",
)  # fmt: skip


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """One journal: its streams, how many anchors there are and where, and everything that is wrong with it."""

    run: str
    streams: list[Verified]
    anchors: int
    second_place: str
    times_set_back: int
    problems: list[str]


def run_verify(path: Path, *, run_id: str, json: bool) -> int:
    """Walk every chain, compare it with both files of anchors, look for the database's rules. Exit code 1 for anything wrong."""
    home = open_home(path)
    audited = [_audit(name, store) for name, store in audited_journals(home, run_id)]
    if json:
        print(json_text(audited))
    else:
        for one in audited:
            print("\n".join(_lines(one)))
    return EXIT_PROBLEM if any(one.problems for one in audited) else 0


def _audit(name: str, store: AuditedStore) -> Audited:
    anchors, second = store.anchors, store.anchors.second
    streams: list[Verified] = []
    known: tuple[Anchor, ...] = ()
    problems = [anchors.fault()]
    try:
        known = anchors.all()
        streams = list(walked(store, known))
        gone = lost_rules(store)
        problems += [f"{s.fault.stream} record {s.fault.seq} {s.fault.what}" for s in streams if s.fault is not None]
        if gone:
            problems.append(f"the database no longer refuses changes: {', '.join(gone)} is gone or was changed")
        problems += contradictions(store)
        if anchors.behind() > 0:
            problems.append(f"{second} lacks the last {anchors.behind()} bytes of {anchors.first}, or is not there")
    except TheoError as error:
        problems.append(str(error))
    return Audited(
        run=name,
        streams=streams,
        anchors=len(known),
        second_place=str(second) if second is not None and second.exists() else "",
        times_set_back=anchors.times_set_back() if known else 0,
        problems=[problem for problem in problems if problem],
    )


def _lines(one: Audited) -> list[str]:
    lines = [f"{one.run}: {'; '.join(one.problems) or 'sound'}"]
    lines += [f"  {s.stream}: {s.records:,} records{'' if s.fault is None else ' before the fault'}" for s in one.streams]
    where = f"here and in {one.second_place}" if one.second_place else "here alone"
    lines.append(f"  {one.anchors:,} anchors, {where}")
    if one.times_set_back:
        lines.append(f"  set back {one.times_set_back} times: `theo audit list` says by whom and why")
    return lines


def run_list(path: Path, *, run_id: str, start: str, end: str, json: bool) -> int:
    """Print who did what, by time."""
    home = open_home(path)
    folders = audited_folders(home, run_id)
    rows = done_by_people(home, folders, *_between(start, end))
    if json:
        for row in rows:
            print(json_text(row))
    else:
        wide_table(COLUMNS, [_cells(row) for row in rows], right={"record"})
    return 0


def _cells(row: Done) -> list[str]:
    return [iso(row.at), row.run, str(row.seq), row.actor or "the platform", row.action, row.subject, row.text]


def _between(start: str, end: str) -> tuple[int, int]:
    return (parse_time(start) if start else 0), (parse_time(end) if end else EVER)


def run_export(path: Path, file: Path, *, run_id: str, start: str, end: str, csv: bool) -> int:
    """Write records with their chain to a file, "-" for the screen; each is checked against the one before it."""
    home, span = open_home(path), _between(start, end)
    if str(file) == "-":
        count = _export(home, run_id, span, sys.stdout, csv=csv)
    else:
        try:
            with file.open("x", encoding="utf-8", newline="") as target:
                count = _export(home, run_id, span, target, csv=csv)
        except OSError as error:
            raise UserError("cannot be made", where=str(file), why=str(error.strerror), remedy="Name a new file") from error
        print(f"{count:,} records in {file}")
    note(home, "export", run_id or "everything", f"{count} records to {file}, from {start or 'the first'} to {end or 'the last'}")
    return 0


def _export(home: Home, run_id: str, span: tuple[int, int], target: IO[str], *, csv: bool) -> int:
    count = 0
    writer = csv_module.DictWriter(target, CSV_COLUMNS, lineterminator="\n")
    if csv:
        writer.writeheader()
    for name, store in audited_journals(home, run_id):
        for stream in store.streams():
            for record in chained(store.read(stream, first_at(store, stream, span[0]))):
                if record.recorded_at >= span[1]:
                    break
                row = _exported(name, record)
                if csv:
                    writer.writerow(row)
                else:
                    target.write(json_text(row) + "\n")
                count += 1
    return count


def _exported(run: str, record: Record) -> dict[str, str | int]:
    """A record as anyone can read and check it: payloads of market data are packed, and stand in base64."""
    row = msgspec.to_builtins(record) | {"run": run, "previous": record.previous.hex(), "hash": record.hash.hex()}
    try:
        row["payload"] = record.payload.decode()
    except UnicodeDecodeError:
        del row["payload"]
        row["payload_base64"] = base64.b64encode(record.payload).decode()
    return {column: row[column] for column in CSV_COLUMNS if column in row}


def run_set_back(path: Path, run_id: str, *, reason: str) -> int:
    """Let a journal that was restored from a backup go on: what was anchored after its end counts no longer.

    Raises UserError without a reason and where nothing is to be set back, CorruptionError for a journal that is not sound.
    """
    home = open_home(path)
    if not reason.strip():
        raise UserError("a reason is required", remedy="--reason says what was restored, and why")
    with closing(audited_store(home, run_id)) as store:
        newest, ends = store.anchors.newest(), _ends(store)
        if not ends:
            raise UserError(f"nothing of {run_id} is to be set back", remedy="`theo audit verify` says how it stands")
        known = [anchor for anchor in store.anchors.all() if anchor.seq <= ends.get(anchor.stream, anchor).seq]
        fault = next((each.fault for each in walked(store, known) if each.fault is not None), None)
        if fault is not None:
            raise CorruptionError(
                f"{fault.stream} record {fault.seq} {fault.what}", where=run_id, remedy="Restore a sound backup"
            )
        store.anchors.add(list(ends.values()))
    words = ", ".join(f"{end.stream} from {newest[end.stream].seq} to {end.seq}" for end in ends.values())
    note(home, "set back", run_id, f"{words}: {reason}")
    print(f"{run_id}: set back, {words}")
    return 0


def _ends(store: AuditedStore) -> dict[str, Anchor]:
    """Where the streams end that are shorter than their anchors say."""
    found = {}
    for stream, newest in store.anchors.newest().items():
        head = store.head(stream)
        seq, digest = (0, GENESIS) if head is None else (head.seq, head.hash)
        if seq < newest.seq:
            found[stream] = Anchor(stream, seq, digest, set_back=True)
    return found
