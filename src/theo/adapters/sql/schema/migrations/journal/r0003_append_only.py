"""The database itself refuses to change, delete or replace records.

A kept run, or the demo's, may be thrown away whole, on a server by ``exact.erase_run``; a home's own journal never is. The owner
of the tables can take the rules away: `theo audit verify` says when they are gone, and the chain what was done meanwhile.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

REFUSED = "the journal is append-only"
_RAISE = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
_CALL = "EXECUTE FUNCTION refuse_change()"
RULES = {
    "sqlite": {
        "journal_no_update": f"CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal {_RAISE}",
        "journal_no_delete": f"CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal {_RAISE}",
        # INSERT OR REPLACE deletes without asking the rule above
        "journal_no_replace": "CREATE TRIGGER journal_no_replace BEFORE INSERT ON journal "
        f"WHEN EXISTS (SELECT 1 FROM journal WHERE stream = NEW.stream AND seq = NEW.seq) {_RAISE}",
    },
    # In the words in which the server gives them back.
    "postgresql": {
        "journal_no_change": f"CREATE TRIGGER journal_no_change BEFORE DELETE OR UPDATE ON exact.journal FOR EACH ROW {_CALL}",
        "journal_no_truncate": f"CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON exact.journal FOR EACH STATEMENT {_CALL}",
    },
}
SERVER_FUNCTION = (
    " BEGIN IF TG_OP = 'DELETE' THEN IF starts_with(OLD.stream, current_setting('theo.erased_run', true) || '/') THEN "
    "RETURN OLD; END IF; END IF; "
    f"RAISE EXCEPTION '{REFUSED}: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege'; END "
)


def upgrade() -> None:
    """Rules on the table of records."""
    dialect = op.get_bind().dialect.name
    if dialect != "sqlite":
        op.execute(f"CREATE FUNCTION exact.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $${SERVER_FUNCTION}$$")
        _erasing()
    for rule in RULES[dialect].values():
        op.execute(rule)


def _erasing() -> None:
    """What the user of the tables may do though it may not delete."""
    op.execute(
        "CREATE FUNCTION exact.erase_run(home text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER "
        "SET search_path = exact, pg_temp AS $$ DECLARE erased bigint; BEGIN "
        "IF home !~ '^[^/]+/(demo|runs/[^/]+)$' THEN "
        f"RAISE EXCEPTION '{REFUSED}: % is no kept run', home USING ERRCODE = 'insufficient_privilege'; END IF; "
        "PERFORM set_config('theo.erased_run', home, true); "
        "DELETE FROM exact.journal WHERE stream >= home || '/' AND stream < home || '0'; "
        "GET DIAGNOSTICS erased = ROW_COUNT; "
        "PERFORM set_config('theo.erased_run', '', true); RETURN erased; END $$"
    )
