"""The commands that prepare and prune a database, and rotate keys: `flask --app efishery_auth.commands NAME`.

They need the database and mount no keys: `keys` changes them through the Kubernetes API.
"""

from flask import Flask

from efishery_auth.commands.create_admin import create_admin
from efishery_auth.commands.keys import keys
from efishery_auth.commands.migrate import migrate
from efishery_auth.commands.prune import prune
from efishery_auth.database import init_database
from efishery_auth.passwords import HashPool
from efishery_auth.settings import DatabaseSettings
from efishery_auth.state import init_state
from efishery_auth.users import Users
from servicekit import logging
from servicekit.settings import load


def create_app(settings: DatabaseSettings | None = None) -> Flask:
    """Make an application that has the database and the commands, and serves nothing."""
    settings = settings or load(DatabaseSettings)
    logging.configure(settings.log_level, settings.log_format)
    app = Flask(__name__, static_folder=None)
    app.config["DATABASE_CA_FILE"] = settings.database_ca_file
    app.config["MIGRATION_URL"] = settings.migration_url
    app.config["AUDIT_KEEP_DAYS"] = settings.audit_keep_days
    app.config["DATABASE_WAIT_SECONDS"] = settings.database_wait_seconds
    init_state(app, Users(init_database(app, settings), HashPool()))
    app.cli.add_command(migrate)
    app.cli.add_command(create_admin)
    app.cli.add_command(keys)
    app.cli.add_command(prune)
    return app
