"""What the two databases, SQLite and PostgreSQL, have in common and where they differ: connections, transactions, places."""
