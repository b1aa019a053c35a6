"""The agent's port: probes, status for the peers, metrics. Answers from memory, never from mysqld."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from efishery_mysql_agent import wire
from efishery_mysql_agent.model import Status
from servicekit.bare import bare_app
from servicekit.envelope import failure, success

STUCK_SECONDS = 60


@dataclass(frozen=True)
class Snapshot:
    """What the loop saw last, and when (seconds, monotonic)."""

    status: Status
    doing: str
    at: float
    opened: bool = False


class Board:
    """Where the loop leaves its last snapshot for the port to show."""

    def __init__(self, pod: str) -> None:
        self.snapshot = Snapshot(Status(pod), "start", time.monotonic())

    def show(self, status: Status, doing: str, *, opened: bool) -> None:
        """Replace the snapshot; one assignment, so that no reader sees half of it."""
        self.snapshot = Snapshot(status, doing, time.monotonic(), opened)

    @property
    def age(self) -> float:
        """Seconds since the loop last looked at its member."""
        return time.monotonic() - self.snapshot.at


def application(board: Board) -> Flask:
    """Make the application of the port."""
    app = bare_app("mysql-agent")
    app.add_url_rule("/healthz", endpoint="healthz", view_func=lambda: _healthz(board))
    app.add_url_rule("/readyz", endpoint="readyz", view_func=lambda: _readyz(board))
    app.add_url_rule("/status", endpoint="status", view_func=lambda: _status(board))
    app.add_url_rule("/metrics", endpoint="metrics", view_func=_metrics)
    return app


def _healthz(board: Board) -> Response:
    # The agent's own life. What the member does is no reason to restart anything.
    return success(msg="alive") if board.age < STUCK_SECONDS else failure(503, "the loop is stuck")


def _readyz(board: Board) -> Response:
    status = board.snapshot.status
    if not status.quorum or status.offline:
        return failure(503, f"not ready: {status.state}, {board.snapshot.doing}")
    if not board.snapshot.opened:
        return failure(503, "not ready: its label or its accounts are not made yet")
    return success(msg="ready")


def _status(board: Board) -> Response:
    body: dict[str, Any] = wire.dump(board.snapshot.status)
    return jsonify({**body, "doing": board.snapshot.doing, "age_seconds": round(board.age, 3)})


def _metrics() -> Response:
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
