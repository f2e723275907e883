"""The journal in SQL: hash-chained streams, one writer each."""
