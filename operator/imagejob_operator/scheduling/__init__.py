"""Scheduling across namespaces: which ImageJobs get workers, in which batches, and when."""
