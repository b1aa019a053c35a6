"""The page: Swagger UI, with its files from the Python package, so that no other host is needed."""

from collections.abc import Mapping

from flask import Blueprint, Response, redirect
from flask.typing import ResponseReturnValue
from flask_swagger_ui import get_swaggerui_blueprint

# The page has an inline script; Swagger UI sets inline styles and has icons in data: URLs. The gateway sets the other
# security headers, and this one where a service has none (k8s/istio/base/envoyfilter-response-headers.yaml).
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

docs = Blueprint("docs", __name__)


@docs.get("/docs")
def redirect_to_page() -> ResponseReturnValue:
    """Redirect to the page with a relative Location: behind the gateway, scheme and host are unknown here."""
    return redirect("/docs/", 308)


def swagger_ui(documents: Mapping[str, str]) -> Blueprint:
    """Make the blueprint of the page; `documents` maps the names in the selector to paths of OpenAPI documents."""
    urls = [{"name": name, "url": path} for name, path in documents.items()]
    config = {"app_name": "eFishery API", "urls": urls, "persistAuthorization": True, "validatorUrl": None}
    blueprint: Blueprint = get_swaggerui_blueprint("/docs", urls[0]["url"], config=config)
    blueprint.after_request(_add_content_security_policy)
    return blueprint


def _add_content_security_policy(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
    return response
