"""GET /fetch/resource/aggregate: weekly statistics by province, for admins only."""

from flask import Blueprint, Response, request

from efishery_fetch.bodies import aggregate_answer
from efishery_fetch.queries import AggregateQuery, parse_aggregate_query
from efishery_fetch.responses import respond
from efishery_fetch.routes import AGGREGATE
from efishery_fetch.state import snapshot_with_list

blueprint = Blueprint("aggregate", __name__)


@blueprint.get(AGGREGATE.path)
@AGGREGATE.protect
def aggregate() -> Response:
    """Answer the groups of the rows that the query selects; by default of all."""
    query = parse_aggregate_query(list(request.args.items(multi=True)), request.headers.get("Accept", ""))
    snapshot = snapshot_with_list()
    if query == AggregateQuery():
        return respond(snapshot.of_list(AGGREGATE.path))
    return respond(snapshot.of_query(query, lambda: aggregate_answer(snapshot, query)))
