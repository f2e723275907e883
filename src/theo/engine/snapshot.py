"""Snapshots of everything that the core would otherwise fold again, as bytes, and the digest of the trading state."""

import hashlib

import msgspec

from theo.domain.errors import CorruptionError
from theo.engine.core import Core
from theo.engine.journal import Journal
from theo.engine.state import STATE_VERSION, State


class ScanState(msgspec.Struct, array_like=True):
    """A scan that waits for a late series, and what its strategy keeps."""

    config: str
    config_version: str
    waiting_for: int
    waiting_until: int
    strategy: bytes


class Snapshot(msgspec.Struct, array_like=True):
    """``seq`` and ``data_seq`` are the newest trading and market data records that it holds, ``consumed`` the items in them."""

    seq: int
    data_seq: int
    consumed: int
    at: int
    version: int
    build: str
    state: State
    market: bytes
    scans: list[ScanState]
    waiting: list[str]  # configurations that wait for a late series, and for their turn, in order
    ready: list[str]
    untold: list[tuple[int, str, int]] = []  # instrument and timeframe of partners that closed, and how many were told


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Snapshot)


def digest(state: State) -> str:
    """SHA-256 of the trading state: equal facts in equal order lead to equal digests."""
    return hashlib.sha256(_encode(state)).hexdigest()


def take(core: Core, journal: Journal, build: str) -> bytes:
    """The core as bytes, between two steps, when everything was committed."""
    scans = [
        ScanState(name, s.key.config_version, s.waiting_for, s.cohort.waiting_until, _encode(s.strategy.state()))
        for name, s in core.world.scans.items()
    ]
    market = _encode(core.world.market.state())
    waiting, ready = ([s.key.config for cohort in held for s in cohort.left()] for held in (core.world.waiting, core.world.ready))
    head = journal.seq, journal.data_seq, journal.consumed, core.at, STATE_VERSION, build
    untold = [(s.instrument.id, s.timeframe.name, told) for s, told in core.world.untold.items()]
    return _encode(Snapshot(*head, core.state, market, scans, waiting, ready, untold))


def read(payload: bytes) -> Snapshot:
    """A snapshot from bytes; raises CorruptionError when it is damaged or of another version: an older one, or none, serves."""
    try:
        snapshot = _decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise CorruptionError(f"snapshot is damaged: {error}", remedy="An older snapshot or the journal is used") from error
    if snapshot.version != STATE_VERSION:
        raise CorruptionError(f"snapshot has state version {snapshot.version}, this build has {STATE_VERSION}")
    return snapshot


def fits(core: Core, snapshot: Snapshot) -> bool:
    """Whether the snapshot's market state was taken with the configurations that the core scans now."""
    taken = {(s.config, s.config_version) for s in snapshot.scans}
    return taken == {(name, scan.key.config_version) for name, scan in core.world.scans.items()}


def restore(core: Core, snapshot: Snapshot) -> None:
    """Put a snapshot that fits into a fresh core."""
    assert fits(core, snapshot)
    core.state, core.at, core.due = snapshot.state, snapshot.at, 0
    core.world.market.restore(msgspec.msgpack.decode(snapshot.market))
    scans = core.world.scans
    for kept in snapshot.scans:
        scan = scans[kept.config]
        if kept.waiting_for:
            scan.cohort.wait(scan, kept.waiting_for, kept.waiting_until)
        scan.strategy.restore(msgspec.msgpack.decode(kept.strategy))
    core.world.waiting |= {scans[name].cohort: None for name in snapshot.waiting}
    core.world.ready |= {scans[name].cohort: None for name in snapshot.ready}
    series = {(s.instrument.id, s.timeframe.name): s for s in core.world.market.every_series()}
    core.world.untold = {series[instrument, name]: told for instrument, name, told in snapshot.untold}
    core.world.seek()
    core.scan_due = core.world.scans_due(core.at)
