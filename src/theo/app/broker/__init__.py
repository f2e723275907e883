"""What Interactive Brokers is asked for beside trading: prices, chains, margins."""
