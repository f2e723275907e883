"""The one deterministic core: state, decide, apply, life cycles as tables, reconcile. No I/O, no clock, no chance, no await."""
