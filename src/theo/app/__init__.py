"""Composition: the command line, the configuration, and the one place that names ports and adapters together."""
