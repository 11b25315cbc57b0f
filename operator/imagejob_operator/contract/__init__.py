"""The contract between operator and workers: the work order and the report."""
