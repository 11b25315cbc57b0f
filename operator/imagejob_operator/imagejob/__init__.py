"""One ImageJob: its inputs, an ordered list of checks, and the decision that follows."""
