"""Strategies: rule sets as data, how they are evaluated and explained, and the user's own class. Pure; proposes, never orders."""
