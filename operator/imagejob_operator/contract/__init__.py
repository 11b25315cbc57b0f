"""What the operator and its workers exchange: the work order and the report."""
