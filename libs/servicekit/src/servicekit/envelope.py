"""The envelope of every answer: `{"success", "status", "msg", "data"}` with `meta` or `errors` where they apply."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from flask import Response, jsonify


class FieldError(TypedDict):
    """One wrong field of a request: its name, and what is wrong with the remedy."""

    field: str
    msg: str


def success(
    data: Any = None,  # noqa: ANN401 -- anything that JSON can carry
    *,
    status: int = 200,
    msg: str = "OK",
    meta: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer `data`; `meta` says what a list is made of."""
    body = {"success": True, "status": status, "msg": msg, "data": data}
    if meta is not None:
        body["meta"] = meta
    return _response(body, status, headers)


def failure(
    status: int,
    msg: str,
    *,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer an error; `errors` has an entry for each wrong field."""
    body = {"success": False, "status": status, "msg": msg, "data": None}
    if errors is not None:
        body["errors"] = errors
    return _response(body, status, headers)


def _response(body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers.update(headers or {})
    return response
