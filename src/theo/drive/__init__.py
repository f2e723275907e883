"""Synchronous drivers over the one core: backtest and lock-step replay, and the shadow that folds along."""
