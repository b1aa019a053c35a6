"""The page: Swagger UI from the package's own files, so that no other host is ever asked."""

from collections.abc import Mapping

from flask import Blueprint, Response, redirect
from flask.typing import ResponseReturnValue
from flask_swagger_ui import get_swaggerui_blueprint

# The page's start script is inline, and Swagger UI sets styles from code and draws icons from data: URLs.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)

docs = Blueprint("docs", __name__)


@docs.get("/docs")
def redirect_to_page() -> ResponseReturnValue:
    """Lead to the page by a path alone: behind the gateway this service knows neither scheme nor host."""
    return redirect("/docs/", 308)


def swagger_ui(documents: Mapping[str, str]) -> Blueprint:
    """Make the page for `documents`: paths of OpenAPI documents by the names that the selector shows."""
    urls = [{"name": name, "url": path} for name, path in documents.items()]
    config = {"app_name": "eFishery API", "urls": urls, "persistAuthorization": True, "validatorUrl": None}
    blueprint: Blueprint = get_swaggerui_blueprint("/docs", urls[0]["url"], config=config)
    blueprint.after_request(_keep_to_this_host)
    return blueprint


def _keep_to_this_host(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
