"""The objects that the views use, kept in `app.extensions`."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from efishery_fetch.list_cache import ListCache
from efishery_fetch.rate import RateReader

EXTENSION = "efishery_fetch"


@dataclass(frozen=True)
class State:
    """One per application."""

    lists: ListCache
    rates: RateReader


def state() -> State:
    """Return the state of the application that handles this request."""
    return cast(State, current_app.extensions[EXTENSION])
