"""Makes the parts of the documentation that follow from the code, and fits the rest into a site."""
