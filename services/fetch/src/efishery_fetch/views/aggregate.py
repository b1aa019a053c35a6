"""GET /fetch/resource/aggregate: weekly statistics by province, for admins only."""

from flask import Blueprint, Response

from efishery_fetch.aggregate import aggregate as aggregate_rows
from efishery_fetch.state import state
from servicekit import envelope
from servicekit.tokens import require_role

blueprint = Blueprint("aggregate", __name__)


@blueprint.get("/fetch/resource/aggregate")
@require_role("admin")
def aggregate() -> Response:
    """Answer one group per province and ISO week; `meta.excluded` counts the rows that are in no group."""
    catalogue = state().lists.get()
    rate = state().rates.read()
    groups, excluded = aggregate_rows(catalogue.rows, rate.rate if rate else None)
    meta = {
        "count": len(groups),
        "rows": sum(group.price.count for group in groups),
        "excluded": excluded,
        **catalogue.meta(),
        "rate": rate.as_json() if rate else None,
    }
    return envelope.success([group.as_json() for group in groups], meta=meta)
