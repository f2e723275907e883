"""The statements that make a new SQLite database at once: `python -m tools.fresh_schema` writes them, a test compares them.

They are what the migrations lead to, as SQLite itself tells it.
"""

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

from theo.adapters.sql.database import sqlite
from theo.adapters.sql.database.transactions import writing
from theo.adapters.sql.schema import fresh
from theo.adapters.sql.schema.opening import Database, migrate

FOLDER = Path(fresh.__file__).parent / "fresh_schemas"


def statements(database: Database) -> str:
    """The file's text for a database."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        engine = sqlite.open_engine(path, durable=False)
        with writing(engine) as connection:
            migrate(connection, database)
        engine.dispose()
        raw = sqlite3.connect(path)
        told = [each for each in raw.iterdump() if each not in {"BEGIN TRANSACTION;", "COMMIT;"}]
        raw.close()
    return "\n\n".join(told) + "\n"


if __name__ == "__main__":
    for each in Database:
        (FOLDER / f"{each}.sql").write_text(statements(each), encoding="utf-8")
