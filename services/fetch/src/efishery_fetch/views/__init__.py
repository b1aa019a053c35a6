"""The endpoints, one module each, named after the last word of its path."""

from flask import Flask

from efishery_fetch.views import aggregate, rate, resource
from servicekit.claims import claims_blueprint


def register_views(app: Flask) -> None:
    """Register all endpoints with `app`."""
    for view in (resource, aggregate, rate):
        app.register_blueprint(view.blueprint)
    app.register_blueprint(claims_blueprint("/fetch/claims"))
