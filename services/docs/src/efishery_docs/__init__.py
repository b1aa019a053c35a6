"""docs: one Swagger UI at /docs/ with a selector for the OpenAPI documents of all services."""

from flask import Flask

from efishery_docs.settings import DocsSettings
from efishery_docs.views import docs, swagger_ui
from servicekit.app import build_app
from servicekit.settings import load


def create_app() -> Flask:
    """Make the application; raises SystemExit(2) for bad settings."""
    settings = load(DocsSettings)
    app = build_app(__name__, settings)
    app.register_blueprint(docs)
    app.register_blueprint(swagger_ui(settings.documents))
    return app
