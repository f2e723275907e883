"""Market data from and to files: CSV, Parquet, DBN. Everything is checked before anything is stored.

Files are read as tables (tables.py and one reader a format), their columns are recognised (columns.py) and brought to our
units (conversion.py), rows are checked (bar_rows.py, tick_rows.py), and stored in one import (importing.py).
"""
