"""GET /fetch/resource: the price list in rupiah and dollars."""

from flask import Blueprint, Response
from flask_jwt_extended import jwt_required

from efishery_fetch.cleaning import Row
from efishery_fetch.money import price_usd
from efishery_fetch.rate import Rate
from efishery_fetch.state import state
from servicekit import envelope

blueprint = Blueprint("resource", __name__)


@blueprint.get("/fetch/resource")
@jwt_required()
def resource() -> Response:
    """Answer every clean row with `price_usd`, which is null when there is no rate."""
    catalogue = state().lists.get()
    rate = state().rates.read()
    rows = [_with_dollars(row, rate) for row in catalogue.rows]
    meta = {"count": len(rows), **catalogue.meta(), "rate": rate.as_json() if rate else None}
    return envelope.success(rows, meta=meta)


def _with_dollars(row: Row, rate: Rate | None) -> dict[str, object]:
    return {**row.as_json(), "price_usd": price_usd(row.price, rate.rate) if rate else None}
