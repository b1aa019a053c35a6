"""What all Flask applications of the project share: JSON and error answers."""

from flask import Flask

from servicekit.errors import register_error_handlers
from servicekit.serialization import JSONProvider


def bare_app(import_name: str) -> Flask:
    """Make an application without routes, with the JSON provider and the envelope for all errors."""
    app = Flask(import_name, static_folder=None)
    app.json = JSONProvider(app)
    # Flask's answer to OPTIONS has no envelope, and no page of another origin calls these APIs.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    register_error_handlers(app)
    return app
