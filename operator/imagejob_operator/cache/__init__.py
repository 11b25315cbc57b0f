"""The cluster's state as the operator knows it, and the keys to reconcile when it changes."""
