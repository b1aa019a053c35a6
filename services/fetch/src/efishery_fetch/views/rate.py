"""GET /fetch/rate: the exchange rate in use."""

from flask import Blueprint, Response
from flask_jwt_extended import jwt_required

from efishery_fetch.state import state
from servicekit import envelope
from servicekit.errors import Unavailable

# rate-cron runs every five minutes; asking each minute finds the rate soon after its first run.
RETRY_AFTER_SECONDS = 60

blueprint = Blueprint("rate", __name__)


@blueprint.get("/fetch/rate")
@jwt_required()
def rate() -> Response:
    """Answer the rate with its source and age, or 503 while there is none."""
    current = state().rates.read()
    if current is None:
        raise Unavailable("there is no exchange rate yet; rate-cron writes it", retry_after=RETRY_AFTER_SECONDS)
    return envelope.success(current.as_json())
