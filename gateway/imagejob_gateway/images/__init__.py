"""ImageJobs and what they need, through the API server: the only part that talks to it."""
