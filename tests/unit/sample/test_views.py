"""The endpoints of the sample."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from efishery_sample import create_app
from efishery_sample.generator import generate


def test_the_list_is_an_array_of_the_default_length(client: FlaskClient) -> None:
    answer = client.get("/commodities")
    assert answer.status_code == 200
    assert answer.json == generate(1, 219)


def test_another_length_can_be_asked_for(client: FlaskClient) -> None:
    assert client.get("/commodities?rows=10000").json == generate(1, 10_000)


@pytest.mark.parametrize("rows", ["0", "-1", "100001", "many", "", "1e3", "²", "9" * 5_000])
def test_a_length_out_of_range_is_refused(client: FlaskClient, rows: str) -> None:
    answer = client.get("/commodities", query_string={"rows": rows})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["field"] == "rows"


def test_the_rate_has_the_format_of_a_provider(client: FlaskClient) -> None:
    answer = client.get("/rate").json
    assert answer is not None
    assert answer["base"] == "IDR"
    assert abs((datetime.fromisoformat(answer["date"]).replace(tzinfo=UTC) - datetime.now(UTC)).days) <= 1
    assert 0.00006 < answer["rates"]["USD"] < 0.000062


def test_settings_choose_another_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE_SEED", "9")
    monkeypatch.setenv("SAMPLE_ROWS", "5")
    assert create_app().test_client().get("/commodities").json == generate(9, 5)
