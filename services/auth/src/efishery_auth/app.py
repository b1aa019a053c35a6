"""Wires the service together."""

from datetime import timedelta
from pathlib import Path

from flask import Flask
from redis import Redis
from werkzeug.middleware.proxy_fix import ProxyFix

from efishery_auth.database import init_database
from efishery_auth.errors import register_domain_errors
from efishery_auth.logins import Logins
from efishery_auth.passwords import HashPool
from efishery_auth.revocations import RevocationPublisher
from efishery_auth.session_store import SessionStore
from efishery_auth.settings import AuthSettings
from efishery_auth.state import init_logins, init_sessions, init_state
from efishery_auth.tokens import init_signing
from efishery_auth.users import Users
from efishery_auth.views import register_views
from efishery_auth.views.discovery import discovery_blueprint
from efishery_auth.views.jwks import jwks_blueprint
from servicekit import openapi
from servicekit.app import build_app, run_in_background
from servicekit.redis_client import connect
from servicekit.revocations import revocation_list
from servicekit.settings import load

OPENAPI_DOCUMENT = Path(__file__).with_name("openapi.yaml")
MAX_BODY_BYTES = 16 * 1024  # more than the longest valid body, two passwords in escaped characters


def create_app(settings: AuthSettings | None = None, *, redis: Redis | None = None) -> Flask:
    """Make the application, with settings from the environment unless given.

    Readiness does not depend on the database: without it auth still answers 503 with Retry-After, and the public
    keys (ADR 6).
    """
    settings = settings or load(AuthSettings)
    app = build_app(__name__, settings)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # Flask's own way to add a middleware: the application remains a Flask.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    keys = init_signing(app, settings)
    database, hashes = init_database(app, settings), _hash_pool(settings)
    init_state(app, Users(database, hashes))
    init_logins(app, Logins(database, hashes, settings.lock_limits))
    init_sessions(app, SessionStore(database, settings.session_lifetimes))
    lifetime = timedelta(seconds=settings.access_token_seconds)
    publisher = RevocationPublisher(database, redis or _connect(settings), revocation_list(app), lifetime)
    run_in_background(app, "revocations", publisher.run)
    register_domain_errors(app)
    register_views(app)
    app.register_blueprint(jwks_blueprint(keys))
    app.register_blueprint(discovery_blueprint(settings.token_issuer, settings.public_url))
    openapi.serve(app, "/auth/swagdocs", OPENAPI_DOCUMENT)
    return app


def _connect(settings: AuthSettings) -> Redis | None:
    return connect(str(settings.redis_url), settings.redis_password) if settings.redis_url else None


def _hash_pool(settings: AuthSettings) -> HashPool:
    return HashPool(
        settings.password_hash_workers,
        settings.hash_queue,
        chosen_kib=settings.password_hash_kib,
        chosen_passes=settings.password_hash_passes,
    )
