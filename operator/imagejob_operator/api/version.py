"""The version of this operator; a test holds it to pyproject.toml."""

VERSION = "0.1.0"
