"""The simulated gateway, put together: the data that it plays, its market, its hours, its screen."""
