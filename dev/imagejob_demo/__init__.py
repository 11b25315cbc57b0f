"""`make demo`: eight photos and four bad uploads on their way through a real cluster."""
