"""The agent's port: probes, status for the peers, metrics. Answers from memory, without a query to mysqld."""

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
class StatusSnapshot:
    """The result of the loop's last round. `taken_at` is in seconds of the monotonic clock."""

    status: Status
    action: str
    taken_at: float
    initialized: bool = False

    @property
    def age(self) -> float:
        """Seconds since it was taken."""
        return time.monotonic() - self.taken_at


class StatusPublisher:
    """Hands the loop's last snapshot to the threads of the port."""

    def __init__(self, pod: str) -> None:
        self.snapshot = StatusSnapshot(Status(pod), "start", time.monotonic())

    def publish(self, status: Status, action: str, *, initialized: bool) -> None:
        """Replace the snapshot by one assignment, so that no reader sees a mixture of two."""
        self.snapshot = StatusSnapshot(status, action, time.monotonic(), initialized)


def application(publisher: StatusPublisher) -> Flask:
    """Make the application of the port."""
    app = bare_app("mysql-agent")
    app.add_url_rule("/healthz", endpoint="healthz", view_func=lambda: _healthz(publisher))
    app.add_url_rule("/readyz", endpoint="readyz", view_func=lambda: _readyz(publisher))
    app.add_url_rule("/status", endpoint="status", view_func=lambda: jsonify(describe(publisher)))
    app.add_url_rule("/metrics", endpoint="metrics", view_func=_metrics)
    return app


def _healthz(publisher: StatusPublisher) -> Response:
    # Liveness of the agent only: the member's state is no reason to restart a container.
    return success(msg="alive") if publisher.snapshot.age < STUCK_SECONDS else failure(503, "the loop is stuck")


def _readyz(publisher: StatusPublisher) -> Response:
    snapshot = publisher.snapshot
    status = snapshot.status
    if not status.quorum or status.offline:
        return failure(503, f"not ready: {status.state}, {snapshot.action}")
    if not snapshot.initialized:
        return failure(503, "not ready: its labels or its accounts are not made yet")
    return success(msg="ready")


def describe(publisher: StatusPublisher) -> dict[str, Any]:
    """Return the body of /status."""
    snapshot = publisher.snapshot  # read once: the loop may replace it at any time
    return {**wire.dump(snapshot.status), "doing": snapshot.action, "age_seconds": round(snapshot.age, 3)}


def _metrics() -> Response:
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
