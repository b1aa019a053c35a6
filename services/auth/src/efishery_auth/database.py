"""Two engines: writes go to the primary, reads that may lag a moment go to the replicas."""

from typing import Any

import structlog
from flask import Flask, Response
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from efishery_auth.models import Base
from efishery_auth.settings import DatabaseSettings
from servicekit.errors import Unavailable, answer

REPLICAS = "replicas"
RETRY_AFTER_SECONDS = 2

log = structlog.get_logger(__name__)
# What was committed is known: a read after it could fail, and the client would never see its password.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def init_database(app: Flask, settings: DatabaseSettings) -> None:
    """Bind `db.session` to the primary and `read_session()` to the replicas; connects at the first use."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.write_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings.write_url)
    app.config["SQLALCHEMY_BINDS"] = {REPLICAS: {"url": settings.read_url, **engine_options(settings.read_url)}}
    db.init_app(app)
    app.register_error_handler(OperationalError, _answer_unavailable)
    app.register_error_handler(InterfaceError, _answer_unavailable)
    app.register_error_handler(PoolTimeoutError, _answer_unavailable)


def engine_options(url: URL) -> dict[str, Any]:
    """Options for `create_engine`: bounded waits (in seconds), and connections that are checked before use."""
    # An error's text goes into the log; a statement's parameters are names, phones and hashes.
    options: dict[str, Any] = {"hide_parameters": True}
    if url.get_backend_name() != "mysql":
        return options
    return options | {
        "pool_pre_ping": True,
        "pool_recycle": 300,
        "pool_timeout": 2,
        "max_overflow": 60,  # threads of a pod beyond the five connections that stay open
        "connect_args": {"connect_timeout": 2, "read_timeout": 5, "write_timeout": 5},
    }


def read_session() -> Session:
    """Open a session on the replicas, for use with `with`."""
    return Session(db.engines[REPLICAS])


def _answer_unavailable(error: SQLAlchemyError) -> Response:
    log.warning("database_away", error=str(error.orig if isinstance(error, DBAPIError) else error))
    return answer(Unavailable("the database is away; try again", retry_after=RETRY_AFTER_SECONDS))
