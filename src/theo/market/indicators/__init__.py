"""Indicators: the steps (kernels), their names (spec.py), which step is whose (steps.py), the live form (indicator.py)."""
