"""What the gateway has to remember, per owner: in ConfigMaps, changed by compare-and-swap."""
