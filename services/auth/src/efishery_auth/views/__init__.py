"""The endpoints, one module each, named as the last word of its path."""

from flask import Flask

from efishery_auth.views import claims, login, register


def register_views(app: Flask) -> None:
    """Add all endpoints to `app`; the key set has ports of its own as well, see `views.jwks`."""
    for view in (register, login, claims):
        app.register_blueprint(view.blueprint)
