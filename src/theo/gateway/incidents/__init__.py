"""What goes wrong in the field, by name and on demand."""
