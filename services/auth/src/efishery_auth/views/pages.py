"""The answer with a page, the same for all lists."""

from collections.abc import Callable

from flask import Response, request

from efishery_auth.paging import Page, Row, encode_cursor, next_link
from servicekit.envelope import success


def page_answer(list_name: str, page: Page[Row], as_json: Callable[[Row], dict[str, object]]) -> Response:
    """Answer the rows; `meta.next_cursor` and the header `Link` lead to the next page, where there is one."""
    headers = {"Cache-Control": "no-store"}
    cursor = None
    if page.next_after is not None:
        cursor = encode_cursor(list_name, page.next_after)
        headers["Link"] = next_link(request.path, request.args.items(), cursor)
    rows = [as_json(row) for row in page.rows]
    return success(rows, meta={"count": len(rows), "next_cursor": cursor}, headers=headers)
