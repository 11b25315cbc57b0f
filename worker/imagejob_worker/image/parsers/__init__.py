"""One reader a container: what a file says of itself, found by walking it, with no pixel decoded.

A walk reads lengths and skips, so its cost is bounded by the number of parts (`MAX_PARTS`),
whatever the file claims. What it finds decides whether a decoder is let near the file at all, and
which parts of it the decoder gets to see.
"""
