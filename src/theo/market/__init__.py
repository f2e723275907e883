"""Pure market state: bars from ticks, sessions, data quality, indicators, correlation, and the book that folds them."""
