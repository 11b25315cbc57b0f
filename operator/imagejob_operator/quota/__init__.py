"""Who is charged, and when: rates, ledgers, and those who wait for them."""
