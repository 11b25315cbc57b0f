"""The Kubernetes API client: the only package that talks to the API server."""
