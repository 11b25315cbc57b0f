"""What two namespaces with dripping stores take from twenty with tiny pictures."""
