"""Bars, ticks and levels on their way into the market store, out of it, and to the archive."""
