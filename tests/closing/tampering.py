"""A thousand changes of journal and audit trail, and as many of scans, by somebody with every right on the database.

Each must be found, at its record.

Run: python tests/closing/tampering.py [CHANGES] [SEED] [DATABASE].
"""

import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))  # shared test parts are imported as tests.NAME

from tests.postgres import DATABASES
from tests.scan_tampering import ScanVictim
from tests.tampering import Victim, change

CHANGES, SEED = 1_000, 1


def main(changes: str = str(CHANGES), seed: str = str(SEED), *databases: str) -> int:
    """Print what was done and what was missed, by engine; 1 when anything was missed."""
    missed: list[str] = []
    for database in databases or DATABASES:
        begun, kinds = time.monotonic(), Counter[str]()
        with TemporaryDirectory() as folder:
            victim = Victim(Path(folder), database)
            for number in range(int(changes)):
                kinds[change(Random(f"{seed}.{number}"), victim.whole).kind] += 1  # noqa: S311 - the same changes each time
                what = victim.missed(Random(f"{seed}.{number}"))  # noqa: S311 - as above
                if what:
                    missed.append(f"{database} {seed}.{number}: {what}")
            sound = victim.faults() == []
            victim.close()
        begun_scans = time.monotonic()
        with TemporaryDirectory() as folder:
            scans = ScanVictim(Path(folder), database)
            for number in range(int(changes)):
                what = scans.missed(Random(f"{seed}.{number}"))  # noqa: S311 - as above
                if what:
                    missed.append(f"{database} scans {seed}.{number}: {what}")
            sound_scans = scans.sound()
            scans.close()
        print(f"{database}: {changes} changes of scans in {time.monotonic() - begun_scans:.0f} s; sound again: {sound_scans}")
        done = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        print(f"{database}: {changes} changes in {time.monotonic() - begun:.0f} s ({done}); sound again: {sound}")
    print(f"{len(missed)} missed or found elsewhere")
    print("\n".join(missed))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
