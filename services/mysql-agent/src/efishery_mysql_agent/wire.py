"""A Status as JSON: the answer of `/status`, which peers read. `gtid_executed` includes received transactions.

During an upgrade, agents of two versions read each other: the keys stay, and a later key needs a default here.
"""

from __future__ import annotations

from typing import Any

from efishery_mysql_agent.model import Member, Role, State, Status, View


def dump(status: Status) -> dict[str, Any]:
    """Return the JSON object of a status."""
    return {
        "pod": status.pod,
        "state": status.state,
        "role": status.role,
        "members": [{"pod": m.pod, "state": m.state, "role": m.role} for m in status.members],
        "view_id": status.view_id,
        "quorum": status.quorum,
        "gtid_executed": status.gtids,
        "writable": status.writable,
        "offline_mode": status.offline,
        "lag_transactions": status.lag,
        "queue_transactions": status.queue,
        "group": status.group,
        "epoch": status.epoch,
        "last_view": dump_view(status.last_view),
    }


def load(body: dict[str, Any]) -> Status:
    """Read a status; raises KeyError, ValueError or TypeError for anything else."""
    return Status(
        pod=str(body["pod"]),
        state=State(body["state"]),
        role=_role(body["role"]),
        members=tuple(Member(m["pod"], State(m["state"]), _role(m["role"])) for m in body["members"]),
        view_id=str(body["view_id"]),
        gtids=str(body["gtid_executed"]),
        writable=bool(body["writable"]),
        offline=bool(body["offline_mode"]),
        lag=int(body["lag_transactions"]),
        queue=int(body["queue_transactions"]),
        group=body["group"],
        epoch=int(body.get("epoch", 0)),
        last_view=load_view(body["last_view"]),
    )


def dump_view(view: View | None) -> dict[str, Any] | None:
    """Return the JSON object of a view."""
    return {"id": view.id, "members": list(view.members), "epoch": view.epoch} if view else None


def load_view(body: dict[str, Any] | None, epoch: int = 0) -> View | None:
    """Read a view, of this epoch if it names none; raises KeyError, TypeError or ValueError for anything else."""
    return View(str(body["id"]), tuple(map(str, body["members"])), int(body.get("epoch", epoch))) if body else None


def _role(value: str | None) -> Role | None:
    return Role(value) if value else None
