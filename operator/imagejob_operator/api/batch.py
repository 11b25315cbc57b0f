"""The largest batch: how many ImageJobs one worker takes."""

MAX_BATCH = 24
"""With more, too little of each failure's message fits into the worker's report.

The planner, the buckets of the batch_size metric and the dashboard follow this number; tests hold
the worker's own bound (docs/work-order.md) and the documentation to it.
"""
