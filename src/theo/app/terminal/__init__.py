"""Lines, tables and screens for people who read a terminal."""
