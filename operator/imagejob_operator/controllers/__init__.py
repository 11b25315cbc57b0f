"""The loop, and everything that writes to the cluster."""
