"""Rule sets and scan configurations: where they are found, how they are stored and changed."""
