"""How commands meet a terminal: lines, tables, screens and progress for people, rows for programs, and Ctrl-C."""
