"""Serves a service's OpenAPI document, which is checked in beside its code as openapi.yaml."""

from pathlib import Path

from flasgger import Swagger
from flask import Flask


def serve(app: Flask, path: str, document: Path) -> None:
    """Answer GET `path` with `document` as JSON (OpenAPI 3.0.3).

    The document is the contract and is written by hand, so flasgger reads no docstrings. Its own page is off: one
    Swagger UI shows the documents of all services.
    """
    config = {
        "openapi": "3.0.3",
        "specs": [{"endpoint": "swagdocs", "route": path, "rule_filter": lambda _rule: False}],
        "headers": [],
        "swagger_ui": False,
    }
    Swagger(app, config=config, template_file=str(document))
