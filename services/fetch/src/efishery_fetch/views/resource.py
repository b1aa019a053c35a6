"""GET /fetch/resource: the price list in rupiah and dollars."""

from flask import Blueprint, Response, request

from efishery_fetch.bodies import list_answer
from efishery_fetch.queries import ListQuery, parse_list_query
from efishery_fetch.responses import respond
from efishery_fetch.routes import RESOURCE
from efishery_fetch.state import snapshot_with_list
from servicekit.tokens import check_role

blueprint = Blueprint("resource", __name__)


@blueprint.get(RESOURCE.path)
@RESOURCE.protect
def resource() -> Response:
    """Answer the rows that the query selects; by default all."""
    query = parse_list_query(list(request.args.items(multi=True)), request.headers.get("Accept", ""))
    if query.include == "rejected":
        check_role("admin")
    snapshot = snapshot_with_list()
    if query == ListQuery():
        return respond(snapshot.of_list(RESOURCE.path))
    return respond(snapshot.of_query(query, lambda: list_answer(snapshot, query)))
