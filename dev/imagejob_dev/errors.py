"""What goes wrong in a way that the person at the terminal can act on."""

from __future__ import annotations


class DevError(Exception):
    """The message is complete, what failed and what to do: it is shown without a traceback."""
