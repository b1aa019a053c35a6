"""GET /fetch/rate: the current exchange rate."""

from flask import Blueprint, Response
from flask_jwt_extended import jwt_required

from efishery_fetch.state import state
from servicekit import envelope
from servicekit.errors import Unavailable

# rate-cron runs every five minutes; a client that retries each minute gets the rate soon after the first run.
RETRY_AFTER_SECONDS = 60

blueprint = Blueprint("rate", __name__)


@blueprint.get("/fetch/rate")
@jwt_required()
def rate() -> Response:
    """Answer the rate with its source and age, or 503 when there is none."""
    current = state().rates.read()
    if current is None:
        raise Unavailable("there is no exchange rate yet; rate-cron writes it", retry_after=RETRY_AFTER_SECONDS)
    return envelope.success(current.as_json())
