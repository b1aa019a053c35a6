"""GET /fetch/rate and /fetch/rate/history: the exchange rate, now and on the last days."""

from flask import Blueprint, Response

from efishery_fetch.responses import respond
from efishery_fetch.routes import HISTORY, RATE, CachedRoute
from efishery_fetch.state import current_snapshot
from servicekit.errors import Unavailable

# rate-cron runs every five minutes; a client that retries each minute gets the rate soon after the first run.
RETRY_AFTER_SECONDS = 60

blueprint = Blueprint("rate", __name__)


@blueprint.get(RATE.path)
@RATE.protect
def rate() -> Response:
    """Answer the rate with its source, or 503 when there is none."""
    return _respond(RATE)


@blueprint.get(HISTORY.path)
@HISTORY.protect
def history() -> Response:
    """Answer the last rate of the newest day and of each of the 30 days before it, or 503 when there is no rate."""
    return _respond(HISTORY)


def _respond(route: CachedRoute) -> Response:
    representation = current_snapshot().representations.get(route.path)
    if representation is None:
        raise Unavailable("there is no exchange rate yet; rate-cron writes it", retry_after=RETRY_AFTER_SECONDS)
    return respond(representation)
