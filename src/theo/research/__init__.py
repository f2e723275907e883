"""Research on arrays: compiled indicators and what is built on them. Heavy libraries load only when used."""
