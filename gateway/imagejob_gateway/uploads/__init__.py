"""Uploads: bodies are checked, and stored as they come, before an ImageJob names them."""
