"""Object storage: botocore signs URLs and sends nothing, aiohttp carries the bytes."""
