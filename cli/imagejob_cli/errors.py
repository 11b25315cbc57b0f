"""Errors that a user can correct: each line says what is wrong, where, and what to do."""

from __future__ import annotations


class CliError(Exception):
    """`lines` are printed one by one; the exit code is 2."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines
