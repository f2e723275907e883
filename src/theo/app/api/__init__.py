"""What the interface reads and writes, behind the ports that theo.api names."""
