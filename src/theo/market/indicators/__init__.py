"""Indicators: one step each (kernels.py), their names and parameters (spec.py), and their live form (live.py)."""
