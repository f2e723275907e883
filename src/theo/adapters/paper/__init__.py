"""The simulated exchange behind the broker port: the virtual mode's counterparty."""
