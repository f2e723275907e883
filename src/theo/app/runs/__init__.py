"""Runs, planned and put together: backtest, paper, demo, live, and the try of a scan."""
