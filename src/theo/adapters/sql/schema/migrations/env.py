"""Alembic's entry: runs on the connection that schema.py hands over, inside its transaction."""

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], version_table=attributes["version_table"], transactional_ddl=False)
context.run_migrations()
