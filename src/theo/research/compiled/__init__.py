"""Indicators and correlations over whole arrays: the steps of theo.market compiled by numba, equal bit for bit to the live form.

Nothing is defined here: a kernel that is not in theo.market has no place in this package. numba loads at the first compilation.
"""
