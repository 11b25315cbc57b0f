"""Routes: each under fifteen lines, with no decision in it."""
