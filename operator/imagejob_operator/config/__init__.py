"""The operator's settings, and what the platform allows."""
