"""Wires the service together."""

from pathlib import Path

from flask import Flask
from redis import Redis

from efishery_fetch import state, store
from efishery_fetch.clock import Clock, utc_now
from efishery_fetch.rate import RateSource
from efishery_fetch.settings import FetchSettings
from efishery_fetch.source import ListSource
from efishery_fetch.views import register_views
from servicekit import openapi
from servicekit.app import build_app
from servicekit.http import Session
from servicekit.settings import load
from servicekit.tokens import KeySet, init_tokens

OPENAPI_DOCUMENT = Path(__file__).with_name("openapi.yaml")


def create_app(settings: FetchSettings | None = None, *, redis: Redis | None = None, clock: Clock = utc_now) -> Flask:
    """Make the WSGI application; settings come from the environment unless given.

    No health check is registered: without Redis or the upstream fetch still answers what it can, and
    taking every pod out of the Service would turn their outage into ours.
    """
    settings = settings or load(FetchSettings)
    app = build_app(__name__, settings)
    keys = KeySet.from_directory(settings.verification_keys_dir)
    init_tokens(app, keys, settings.token_issuer, settings.token_audience)
    app.extensions[state.EXTENSION] = _state(settings, redis or _connect(settings), clock)
    register_views(app)
    openapi.serve(app, "/fetch/swagdocs", OPENAPI_DOCUMENT)
    return app


def _connect(settings: FetchSettings) -> Redis:
    password = settings.redis_password.get_secret_value() if settings.redis_password else None
    return store.connect(str(settings.redis_url), password)


def _state(settings: FetchSettings, redis: Redis, clock: Clock) -> state.State:
    records = store.Store(redis)
    lists = ListSource(
        url=str(settings.list_url),
        ttl_seconds=settings.list_ttl_seconds,
        max_price=settings.max_price_idr,
        session=Session(settings.upstream_timeout_seconds, "efishery-fetch"),
        store=records,
        clock=clock,
    )
    rates = RateSource(records, clock, stale_after_seconds=settings.rate_stale_after_seconds)
    return state.State(lists, rates)
