"""auth: registers users, logs them in and signs their tokens."""

from efishery_auth.app import create_app

__all__ = ["create_app"]
