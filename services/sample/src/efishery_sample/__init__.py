"""sample: a generated upstream for development, so that the system runs without the internet."""

from flask import Flask

from efishery_sample.settings import SampleSettings
from efishery_sample.views import sample
from servicekit.app import build_app
from servicekit.settings import load


def create_app() -> Flask:
    """Make the application; raises SystemExit(2) for bad settings."""
    settings = load(SampleSettings)
    app = build_app(__name__, settings)
    app.config.update(SAMPLE_SEED=settings.seed, SAMPLE_ROWS=settings.rows)
    app.register_blueprint(sample)
    return app
