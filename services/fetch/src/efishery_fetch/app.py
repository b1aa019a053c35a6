"""Creates the application."""

from functools import partial
from pathlib import Path

from flask import Flask
from redis import Redis

from efishery_fetch import state
from efishery_fetch.cached_routes import CachedRoutes
from efishery_fetch.clock import Clock, utc_now
from efishery_fetch.errors import register_domain_errors
from efishery_fetch.list_source import ListSource
from efishery_fetch.redis_cache import RedisCache
from efishery_fetch.refresher import Refresher
from efishery_fetch.revocations import RevocationReader
from efishery_fetch.routes import ROUTES
from efishery_fetch.settings import FetchSettings
from efishery_fetch.snapshot import Snapshots
from efishery_fetch.upstream import Upstream
from efishery_fetch.views import register_views
from servicekit import openapi
from servicekit.app import build_app, ready_when, run_in_background
from servicekit.http import HTTPClient
from servicekit.key_set import KeySet, read_key_files
from servicekit.redis_client import connect
from servicekit.reloaded_keys import ReloadedKeys, reload_in_background
from servicekit.revocations import revocation_list
from servicekit.settings import load
from servicekit.tokens import init_tokens, verified_tokens

OPENAPI_DOCUMENT = Path(__file__).with_name("openapi.yaml")
FIRST_LIST_MARGIN_SECONDS = 2  # for Redis, beside the call of the upstream


def create_app(settings: FetchSettings | None = None, *, redis: Redis | None = None, clock: Clock = utc_now) -> Flask:
    """Make the WSGI application; settings come from the environment unless given.

    Raises SystemExit(2) for bad settings. It is ready once there is a list, and from then on whatever fails (ADR 6).
    """
    settings = settings or load(FetchSettings)
    app = build_app(__name__, settings)
    keys = ReloadedKeys(partial(read_key_files, settings.verification_keys_dir), KeySet.from_files)
    init_tokens(app, keys, settings.token_issuer, settings.token_audience)
    reload_in_background(app, keys)
    cache = RedisCache(redis or _connect(settings))
    parts = _state(settings, cache, clock)
    app.extensions[state.EXTENSION] = parts
    run_in_background(app, "refresher", parts.refresher.run)
    run_in_background(app, "revocations", RevocationReader(cache, revocation_list(app)).run)
    ready_when(app, parts.snapshots.not_ready)
    register_views(app)
    register_domain_errors(app)
    openapi.serve(app, "/fetch/swagdocs", OPENAPI_DOCUMENT)
    # Flask's own way to add a middleware: the application remains a Flask.
    app.wsgi_app = CachedRoutes(app.wsgi_app, ROUTES, parts.snapshots, verified_tokens(app))  # type: ignore[method-assign]
    return app


def _connect(settings: FetchSettings) -> Redis:
    return connect(str(settings.redis_url), settings.redis_password)


def _state(settings: FetchSettings, cache: RedisCache, clock: Clock) -> state.State:
    client = HTTPClient(settings.upstream_timeout_seconds, settings.upstream_max_bytes, "efishery-fetch")
    lists = ListSource(Upstream(client, str(settings.list_url)), cache, settings)
    snapshots = Snapshots()
    refresher = Refresher(lists, cache, snapshots, settings, clock)
    return state.State(snapshots, refresher, settings.upstream_timeout_seconds + FIRST_LIST_MARGIN_SECONDS)
