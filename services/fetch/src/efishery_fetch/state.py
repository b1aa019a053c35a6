"""The objects that the views use, kept in `app.extensions`."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from efishery_fetch.refresher import Refresher
from efishery_fetch.snapshot import Snapshot, Snapshots

EXTENSION = "efishery_fetch"


@dataclass(frozen=True)
class State:
    """One per application."""

    snapshots: Snapshots
    refresher: Refresher
    first_snapshot_seconds: float


def state() -> State:
    """Return the state of the application that handles this request."""
    return cast(State, current_app.extensions[EXTENSION])


def current_snapshot() -> Snapshot:
    """Return what this request is answered from; the first requests of a process wait for the first snapshot."""
    return state().snapshots.first(state().first_snapshot_seconds)
