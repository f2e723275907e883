"""Making and migrating the tables of a database."""
