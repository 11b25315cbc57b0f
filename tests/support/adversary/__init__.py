"""A tenant who makes any move that `edit` allows, and what is promised all the same."""
