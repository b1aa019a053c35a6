"""The least that every Flask application of ours has."""

from flask import Flask

from servicekit.errors import register_error_handlers
from servicekit.serialization import JSONProvider


def bare_app(import_name: str) -> Flask:
    """Make an application with our JSON and the envelope for all errors, and no routes."""
    app = Flask(import_name, static_folder=None)
    app.json = JSONProvider(app)
    # Flask's own answer to OPTIONS is no envelope, and nothing here is for other origins' browsers.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    register_error_handlers(app)
    return app
