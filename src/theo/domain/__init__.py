"""Frozen values that every other layer speaks: no I/O, no clock, no randomness, no mutable state."""
