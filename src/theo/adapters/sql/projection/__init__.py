"""What trading did, folded from the journal into rows that anyone can query."""
