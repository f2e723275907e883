"""What a run's journal and tables say: how it stands, what it did, and why."""
