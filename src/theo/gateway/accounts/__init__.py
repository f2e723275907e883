"""Accounts: what each holds and owes, its margin, and every answer about it. Orders are the trading room's."""
