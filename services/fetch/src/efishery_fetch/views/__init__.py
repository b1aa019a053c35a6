"""The endpoints, one module each, named as the last word of its path."""

from flask import Flask

from efishery_fetch.views import aggregate, claims, rate, resource


def register_views(app: Flask) -> None:
    """Add all endpoints to `app`."""
    for view in (resource, aggregate, claims, rate):
        app.register_blueprint(view.blueprint)
