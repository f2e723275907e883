"""``theo.toml`` and the environment over it, as one frozen object."""
