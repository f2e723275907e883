"""A stand-in for TWS: the wire protocol, and on top of it a server with a simulated market and account behind it."""
