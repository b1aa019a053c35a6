"""The application under test."""

import pytest
from flask.testing import FlaskClient

from efishery_sample import create_app


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()
