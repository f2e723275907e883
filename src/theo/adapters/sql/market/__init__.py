"""Market data in SQL: ticks, bars, levels, instruments, imports, the archive."""
