"""The reference implementation with FastAPI and orjson."""
