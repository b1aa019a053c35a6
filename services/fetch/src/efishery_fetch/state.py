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
    first_list_seconds: float


def state() -> State:
    """Return the state of the application that handles this request."""
    return cast(State, current_app.extensions[EXTENSION])


def current_snapshot() -> Snapshot:
    """Return what requests are answered from at this moment; it may be without list and rate."""
    return state().snapshots.current


def snapshot_with_list() -> Snapshot:
    """Return the current snapshot; requests that come while the first list is being fetched wait for it."""
    return state().snapshots.with_list(state().first_list_seconds)
