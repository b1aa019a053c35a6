"""fetch: the commodity price list in rupiah and dollars, and its weekly statistics by province."""

from efishery_fetch.app import create_app

__all__ = ["create_app"]
