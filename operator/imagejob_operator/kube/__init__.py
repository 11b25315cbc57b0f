"""The API server: the only part of the operator that talks to it."""
