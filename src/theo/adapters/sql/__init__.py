"""The journal, the market database, the command inbox and the settings in SQL: SQLite now, PostgreSQL by one more dialect file.

Nothing here is imported before a store is opened; SQLAlchemy and Alembic load slowly.
"""
