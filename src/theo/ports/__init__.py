"""The whole outside world on one screen: Protocols that adapters implement and the runtime calls."""
