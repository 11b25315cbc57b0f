"""What is shown once at full size and kept in records/, and in CI at a reduced one."""
