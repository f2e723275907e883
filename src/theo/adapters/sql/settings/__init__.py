"""Settings in SQL: scan configurations and their history."""
