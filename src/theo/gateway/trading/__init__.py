"""Orders: taken, held, worked at the exchange, changed, cancelled, filled, and told of. Accounts keep what comes of it."""
