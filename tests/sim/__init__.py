"""The simulated world: the real application under seeded faults, in virtual time."""
