"""Who may do what: tokens, the keys that they are checked with, and whom they speak for."""
