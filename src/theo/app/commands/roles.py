"""`theo db roles`: least privilege on a server."""

from pathlib import Path

from theo.adapters.postgres.roles import make_roles
from theo.adapters.sql.schema.opening import Database, open_database
from theo.app.home.auditing import note
from theo.app.home.backups import database_of
from theo.app.home.layout import open_home
from theo.domain.errors import UserError


def run_roles(path: Path, *, app: str, reader: str) -> int:
    """Make or renew the roles on the configured server. Raises UserError without one, and when this user may not."""
    home = open_home(path)
    url = database_of(home)
    if not url:
        raise UserError("no server is configured", remedy="Set THEO_DATABASE_URL to the owner's address; files have no roles")
    open_database(home.place(home.store), Database.SETTINGS).dispose()  # so that its tables are there
    made = make_roles(url, app, reader)
    note(home, "roles", f"{app}, {reader}", f"made: {', '.join(made) or 'none'}; rights renewed")
    print(f"{app}: adds to the journal, changes everything else that trading needs, makes no tables\n{reader}: reads the views")
    if made:
        print(f"set their passwords on the server, for example with psql: \\password {made[0]}")
    print(f"then run theo as {app}: THEO_DATABASE_URL with that user; upgrades that change tables are run as the owner")
    return 0
