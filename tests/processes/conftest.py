"""The fixtures of fetch processes."""

from tests.processes.fetch_process import redis_url, start_fetch, user

__all__ = ["redis_url", "start_fetch", "user"]
