"""Session tables and zone offsets, built from calendar libraries and zone data and kept in a file of the platform's home.

What a table means and how it is asked is in market/sessions.py; which hours hold when, and where the library is wrong, is data
in hours.toml.
"""
