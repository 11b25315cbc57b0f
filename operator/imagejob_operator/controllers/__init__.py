"""The loop, and all that writes to the cluster."""
