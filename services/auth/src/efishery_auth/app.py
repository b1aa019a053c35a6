"""Wires the service together."""

from pathlib import Path

from flask import Flask

from efishery_auth.database import database, init_database
from efishery_auth.settings import AuthSettings
from efishery_auth.tokens import init_signing
from efishery_auth.views import register_views
from efishery_auth.views.jwks import jwks_app, jwks_blueprint
from servicekit import openapi
from servicekit.app import build_app, serve_on_extra_port
from servicekit.health import Health
from servicekit.settings import load

OPENAPI_DOCUMENT = Path(__file__).with_name("openapi.yaml")


def create_app(settings: AuthSettings | None = None) -> Flask:
    """Make the application, with settings from the environment unless given."""
    settings = settings or load(AuthSettings)
    health = Health()
    app = build_app(__name__, settings, health)
    init_database(app, settings)
    health.add("database", lambda: _in_context(app))
    keys = init_signing(app, settings)
    register_views(app)
    app.register_blueprint(jwks_blueprint(keys))
    serve_on_extra_port(app, settings.jwks_port, jwks_app(keys))
    openapi.serve(app, "/auth/swagdocs", OPENAPI_DOCUMENT)
    return app


def _in_context(app: Flask) -> None:
    with app.app_context():
        database().check()
