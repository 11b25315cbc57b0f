"""Metrics, logs and probes."""
