"""The API described: as OpenAPI 3.1 and as a page to read."""
