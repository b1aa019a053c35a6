"""What the views work with, kept with the application."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from efishery_fetch.rate import RateSource
from efishery_fetch.source import ListSource

EXTENSION = "efishery_fetch"


@dataclass(frozen=True)
class State:
    """One per application."""

    lists: ListSource
    rates: RateSource


def state() -> State:
    """Return the state of the application that handles this request."""
    return cast(State, current_app.extensions[EXTENSION])
