"""The journal, the market database and the command inbox in SQL: SQLite now, PostgreSQL by one more dialect file.

Nothing here is imported before a store is opened; SQLAlchemy and Alembic load slowly.
"""
