"""One ImageJob: its inputs, an ordered list of checks, and what follows from them."""
