"""The instruments that the platform knows: a shipped catalogue, and the user's own file beside the configuration."""
