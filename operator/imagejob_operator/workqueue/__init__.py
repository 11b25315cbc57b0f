"""The work queue: priorities, delays, concurrency limits, and fairness between namespaces."""
