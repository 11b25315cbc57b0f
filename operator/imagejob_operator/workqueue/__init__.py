"""What is to be done next: one queue with priorities, delays and turns of namespaces."""
