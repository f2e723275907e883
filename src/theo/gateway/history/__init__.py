"""What was, as IB tells it: bars of every size and kind, kept up to date if asked, ticks, schedules, histograms, first moments.

`asked.py` reads requests, `periods.py` finds the time they are about, `bar_rows.py` makes rows of the market's bars.
"""
