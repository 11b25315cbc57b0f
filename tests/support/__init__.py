"""Code that tests share: environments, test objects, and ways to observe the results."""
