"""One module per command; ``theo.app.cli`` imports each only when it is called, so that `theo --help` stays light."""
