"""Who is charged, and when: rates, history, ledger, admission and wait queue."""
