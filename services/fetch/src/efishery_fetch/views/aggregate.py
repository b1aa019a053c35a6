"""GET /fetch/resource/aggregate: weekly statistics by province, for admins only."""

from flask import Blueprint, Response

from efishery_fetch.responses import respond
from efishery_fetch.routes import AGGREGATE
from efishery_fetch.state import current_snapshot

blueprint = Blueprint("aggregate", __name__)


@blueprint.get(AGGREGATE.path)
@AGGREGATE.protect
def aggregate() -> Response:
    """Answer one group per province and ISO week; `meta.excluded` counts the rows that are in no group."""
    return respond(current_snapshot().of_list(AGGREGATE.path))
