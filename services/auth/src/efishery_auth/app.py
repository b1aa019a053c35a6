"""Wires the service together."""

from pathlib import Path

from flask import Flask

from efishery_auth.database import init_database
from efishery_auth.settings import AuthSettings
from efishery_auth.tokens import init_signing
from efishery_auth.views import register_views
from efishery_auth.views.jwks import jwks_app, jwks_blueprint
from servicekit import openapi
from servicekit.app import build_app, serve_on_extra_port
from servicekit.settings import http_threads, load

OPENAPI_DOCUMENT = Path(__file__).with_name("openapi.yaml")


def create_app(settings: AuthSettings | None = None) -> Flask:
    """Make the application, with settings from the environment unless given.

    No health check is registered: with the database away auth still answers what it can, a 503 that says when to
    retry and the public keys above all. Were every pod unready, the gateway would answer for them.
    """
    settings = settings or load(AuthSettings)
    app = build_app(__name__, settings)
    init_database(app, settings, threads=http_threads())
    keys = init_signing(app, settings)
    register_views(app)
    app.register_blueprint(jwks_blueprint(keys))
    serve_on_extra_port(app, settings.jwks_port, jwks_app(keys))
    openapi.serve(app, "/auth/swagdocs", OPENAPI_DOCUMENT)
    return app
