import pytest

from servicekit.management import management_app


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_answer(path: str) -> None:
    assert management_app().test_client().get(path).status_code == 200


def test_metrics_are_prometheus_text() -> None:
    response = management_app().test_client().get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    assert b"http_server_request_duration_seconds" in response.data
