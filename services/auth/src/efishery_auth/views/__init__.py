"""The endpoints, one module each, named as the last word of its path."""

from flask import Flask

from efishery_auth.views import audit, login, logout, name, password, refresh, register, sessions, users
from servicekit.claims import claims_blueprint


def register_views(app: Flask) -> None:
    """Add all endpoints to `app`; the key set has ports of its own as well, see `views.jwks`."""
    app.register_blueprint(register.blueprint)
    app.register_blueprint(login.blueprint)
    app.register_blueprint(refresh.blueprint)
    app.register_blueprint(logout.blueprint)
    app.register_blueprint(sessions.blueprint)
    app.register_blueprint(name.blueprint)
    app.register_blueprint(users.blueprint)
    app.register_blueprint(audit.blueprint)
    app.register_blueprint(password.blueprint)
    app.register_blueprint(claims_blueprint("/auth/claims"))
