"""HTTP: routes translate requests and answers, and decide nothing."""
