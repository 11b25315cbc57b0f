"""The programs of the dev cluster: found, fetched prebuilt, or built from pinned Go modules."""
