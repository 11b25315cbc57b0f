"""A tenant who makes any move that `edit` allows, and the promises that must hold anyway."""
