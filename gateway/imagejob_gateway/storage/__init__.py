"""Object storage: boto3 signs URLs and sends nothing, aiohttp carries the bytes."""
