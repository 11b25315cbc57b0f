"""Image files made byte by byte, stuffed with metadata or hostile, and readers of such files.

Nothing here uses the worker's code, so that the two can disagree.
"""
