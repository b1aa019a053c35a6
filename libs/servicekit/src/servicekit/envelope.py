"""The JSON envelope of every response: `{"success", "status", "msg", "data"}`, optionally with `meta` or `errors`."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from flask import Response, jsonify


class FieldError(TypedDict):
    """An invalid field of a request: its name, and a message with the cause and the remedy."""

    field: str
    msg: str


def success(
    data: Any = None,  # noqa: ANN401 -- any JSON value
    *,
    status: int = 200,
    msg: str = "OK",
    meta: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a success response with `data`; `meta` describes a list."""
    return _response(success_object(data, status=status, msg=msg, meta=meta), status, headers)


def success_object(
    data: Any,  # noqa: ANN401 -- any JSON value
    *,
    status: int = 200,
    msg: str = "OK",
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the JSON object of a success response, for bodies that are encoded before a request asks for them."""
    body = {"success": True, "status": status, "msg": msg, "data": data}
    return body if meta is None else {**body, "meta": meta}


def failure(
    status: int,
    msg: str,
    *,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error response; `errors` has an entry for each invalid field."""
    body = {"success": False, "status": status, "msg": msg, "data": None}
    if errors is not None:
        body["errors"] = errors
    return _response(body, status, headers)


def _response(body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers.update(headers or {})
    return response
