"""Risk: one file per rule, sizing, and the approval without which nothing reaches a broker. Pure."""
