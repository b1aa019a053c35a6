"""Creates the application."""

from pathlib import Path

from flask import Flask
from redis import Redis

from efishery_fetch import redis_cache, state
from efishery_fetch.clock import Clock, utc_now
from efishery_fetch.errors import register_domain_errors
from efishery_fetch.list_cache import ListCache
from efishery_fetch.rate import RateReader
from efishery_fetch.redis_cache import RedisCache
from efishery_fetch.settings import FetchSettings
from efishery_fetch.upstream import Upstream
from efishery_fetch.views import register_views
from servicekit import openapi
from servicekit.app import build_app
from servicekit.http import HTTPClient
from servicekit.settings import http_threads, load
from servicekit.tokens import KeySet, init_tokens

OPENAPI_DOCUMENT = Path(__file__).with_name("openapi.yaml")
MAX_UPSTREAM_CALLS = 6  # each may hold FETCH_UPSTREAM_MAX_BYTES and the parsed list in memory
THREADS_WITHOUT_UPSTREAM = 2  # kept free for requests that need no call of the upstream


def create_app(settings: FetchSettings | None = None, *, redis: Redis | None = None, clock: Clock = utc_now) -> Flask:
    """Make the WSGI application; settings come from the environment unless given.

    Raises SystemExit(2) for bad settings. Neither Redis nor the upstream is a readiness check (ADR 6).
    """
    settings = settings or load(FetchSettings)
    app = build_app(__name__, settings)
    keys = KeySet.from_directory(settings.verification_keys_dir)
    init_tokens(app, keys, settings.token_issuer, settings.token_audience)
    app.extensions[state.EXTENSION] = _state(settings, redis or _connect(settings), clock)
    register_views(app)
    register_domain_errors(app)
    openapi.serve(app, "/fetch/swagdocs", OPENAPI_DOCUMENT)
    return app


def _connect(settings: FetchSettings) -> Redis:
    password = settings.redis_password.get_secret_value() if settings.redis_password else None
    return redis_cache.connect(str(settings.redis_url), password)


def _state(settings: FetchSettings, redis: Redis, clock: Clock) -> state.State:
    cache = RedisCache(redis)
    lists = ListCache(
        upstream=_upstream(settings),
        redis=cache,
        clock=clock,
        ttl_seconds=settings.list_ttl_seconds,
        max_price=settings.max_price_idr,
    )
    rates = RateReader(cache, clock, stale_after_seconds=settings.rate_stale_after_seconds)
    return state.State(lists, rates)


def _upstream(settings: FetchSettings) -> Upstream:
    free_threads = max(1, http_threads() - THREADS_WITHOUT_UPSTREAM)
    max_calls = min(MAX_UPSTREAM_CALLS, free_threads)
    client = HTTPClient(settings.upstream_timeout_seconds, settings.upstream_max_bytes, "efishery-fetch", max_calls)
    return Upstream(client, str(settings.list_url), max_calls)
