"""The cluster as the operator knows it, and what is reconciled when it changes."""
