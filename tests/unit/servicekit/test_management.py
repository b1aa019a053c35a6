import pytest

from servicekit.management import management_app
from servicekit.metrics import SERVER_DURATION


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_answer(path: str) -> None:
    assert management_app().test_client().get(path).status_code == 200


def test_metrics_are_prometheus_text() -> None:
    response = management_app().test_client().get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    (metric,) = SERVER_DURATION.describe()
    assert f"# TYPE {metric.name} histogram" in response.text


def test_readiness_says_why_not() -> None:
    reasons = ["no list yet", None]
    client = management_app(lambda: reasons.pop(0)).test_client()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["msg"]) == (503, "no list yet")
    assert client.get("/readyz").status_code == 200
