"""What tests share: worlds to act in, things to act on, and ways to look at what comes of it."""
