"""One table entry for each message, and the value that it becomes, by subject. `table` gathers them."""
