"""Real days of the S&P 500 and VIX, played as a market: the days are real, the path inside each day is simulated."""
