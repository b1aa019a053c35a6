"""SQLAlchemy's engines: for writes, for reads, and for the sessions of logins, each with a pool and timeouts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL

from efishery_auth.models import Base
from efishery_auth.settings import DatabaseSettings

POOL_SIZE = 4  # connections of each pool; at 10 ms a commit, 400 writes a second
POOL_RECYCLE_SECONDS = 60  # so that a new replica gets its share, and an idle connection to a lost server is not used
REPLICAS, SESSIONS = "replicas", "sessions"

# Attributes stay after a commit: to load them again is a query that could fail, and the new password would be lost.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


@dataclass(frozen=True)
class Timeouts:
    """Longest waits, in seconds: to connect, for an answer of the server, and for a free connection of the pool."""

    connect: float
    answer: float
    pool: float


# Commits stand still for some seconds while a member joins the group, so writes wait longer than reads.
WRITE_TIMEOUTS = Timeouts(connect=1, answer=4, pool=3)
READ_TIMEOUTS = Timeouts(connect=1, answer=2, pool=1)
SESSION_TIMEOUTS = Timeouts(connect=1, answer=1, pool=1)  # a login goes on without a session when it cannot be stored
MIGRATION_TIMEOUTS = Timeouts(connect=5, answer=600, pool=5)  # it may rebuild a table


def engine_options(url: URL, timeouts: Timeouts, ca_file: Path | None = None) -> dict[str, Any]:
    """Return the options of `create_engine`: a pool without overflow, timeouts, TLS.

    With `ca_file` (PEM), the server's certificate must be signed by it and name the host; the file is read for each
    connection, so a renewed one needs no restart. Without, TLS is used where the server offers it, unverified.
    """
    options: dict[str, Any] = {"hide_parameters": True}  # errors are logged; values are phones and hashes
    if url.get_backend_name() != "mysql":
        return options
    verify = {"ssl_ca": str(ca_file), "ssl_verify_cert": True, "ssl_verify_identity": True} if ca_file else {}
    waits = {"connect_timeout": timeouts.connect, "read_timeout": timeouts.answer, "write_timeout": timeouts.answer}
    return options | {
        "pool_size": POOL_SIZE,
        "max_overflow": 0,
        "pool_timeout": timeouts.pool,
        "pool_recycle": POOL_RECYCLE_SECONDS,
        "skip_autocommit_rollback": True,
        "connect_args": waits | verify,
    }


def _isolation(url: URL) -> dict[str, str]:
    """Return the option for transactions without gap locks, as Group Replication asks for (manual, Limitations)."""
    return {"isolation_level": "READ COMMITTED"} if url.get_backend_name() == "mysql" else {}


def init_engines(app: Flask, settings: DatabaseSettings) -> None:
    """Give `app` the engines, which connect at the first use: the default one, REPLICAS and SESSIONS."""
    write, read, ca_file = settings.write_url, settings.read_url, settings.database_ca_file
    # A read is one statement and needs no transaction; the option saves the ROLLBACK after it.
    read_options = engine_options(read, READ_TIMEOUTS, ca_file) | {"isolation_level": "AUTOCOMMIT"}
    app.config["SQLALCHEMY_DATABASE_URI"] = write
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(write, WRITE_TIMEOUTS, ca_file) | _isolation(write)
    app.config["SQLALCHEMY_BINDS"] = {
        REPLICAS: {"url": read, **read_options},
        SESSIONS: {"url": write, **engine_options(write, SESSION_TIMEOUTS, ca_file), **_isolation(write)},
    }
    db.init_app(app)
