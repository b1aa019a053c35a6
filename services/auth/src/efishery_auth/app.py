"""Wires the service together."""

from pathlib import Path

from flask import Flask

from efishery_auth.database import init_database
from efishery_auth.errors import register_domain_errors
from efishery_auth.passwords import HashPool
from efishery_auth.settings import AuthSettings
from efishery_auth.state import init_state
from efishery_auth.tokens import init_signing
from efishery_auth.users import Users
from efishery_auth.views import register_views
from efishery_auth.views.discovery import discovery_blueprint
from efishery_auth.views.jwks import jwks_app, jwks_blueprint
from servicekit import openapi
from servicekit.app import build_app, serve_on_extra_port
from servicekit.settings import load

OPENAPI_DOCUMENT = Path(__file__).with_name("openapi.yaml")


def create_app(settings: AuthSettings | None = None) -> Flask:
    """Make the application, with settings from the environment unless given.

    Readiness does not depend on the database: without it auth still answers 503 with Retry-After, and the public
    keys (ADR 6).
    """
    settings = settings or load(AuthSettings)
    app = build_app(__name__, settings)
    keys = init_signing(app, settings)
    hashes = HashPool(settings.password_hash_workers, settings.hash_queue)
    init_state(app, Users(init_database(app, settings), hashes))
    register_domain_errors(app)
    register_views(app)
    app.register_blueprint(jwks_blueprint(keys))
    app.register_blueprint(discovery_blueprint(settings.token_issuer, settings.public_url))
    serve_on_extra_port(app, settings.jwks_port, jwks_app(keys))
    openapi.serve(app, "/auth/swagdocs", OPENAPI_DOCUMENT)
    return app
