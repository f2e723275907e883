"""The simulated exchange: matching, exit groups, sessions and fees by one set of rules, driven by bars, ticks or quotes."""
