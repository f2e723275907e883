"""One file per rule. Each takes an Entry and answers None, or a Refused with the value, the limit and both in words."""
