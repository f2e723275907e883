"""The tables, as SQLAlchemy knows them; their history is in schema/migrations."""
