"""GET /fetch/resource: the price list in rupiah and dollars."""

from flask import Blueprint, Response

from efishery_fetch.responses import respond
from efishery_fetch.routes import RESOURCE
from efishery_fetch.state import current_snapshot

blueprint = Blueprint("resource", __name__)


@blueprint.get(RESOURCE.path)
@RESOURCE.protect
def resource() -> Response:
    """Answer every clean row with `price_usd`, which is null when there is no rate."""
    return respond(current_snapshot().of_list(RESOURCE.path))
