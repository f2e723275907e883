"""One module per command; cli.py imports each only when it is called, so that `theo --help` stays light."""
