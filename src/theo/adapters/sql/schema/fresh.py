"""A new SQLite database made at once, by the statements that the migrations lead to: loading Alembic takes longer than all else.

fresh_schemas/NAME.sql is written by `python -m tools.fresh_schema`.
"""

from importlib.resources import files

from sqlalchemy import Connection

END = ";\n\n"  # of a statement


def make(connection: Connection, name: str) -> None:
    """Make every table of the newest schema, inside the connection's transaction."""
    text = files("theo.adapters.sql.schema").joinpath("fresh_schemas", f"{name}.sql").read_text(encoding="utf-8")
    for statement in text.split(END):
        connection.exec_driver_sql(statement)
