"""The parsers, one for each container format: they walk a file and decode no pixel.

A walk reads lengths and skips, so its cost is bounded by the number of parts (`MAX_PARTS`),
whatever the file claims. Its result decides whether a decoder reads the file at all, and which
parts of it.
"""
