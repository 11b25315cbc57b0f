"""Direct uploads: clients put objects into the store, and the gateway takes them from there."""
