"""theo: algorithmic trading through Interactive Brokers that is never silently wrong."""

__version__ = "0.1.0"
