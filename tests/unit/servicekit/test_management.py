from servicekit.health import Health
from servicekit.management import management_app


def fail() -> None:
    raise ConnectionError("redis at 10.0.0.1 is away")


def test_ready_when_all_checks_pass() -> None:
    health = Health()
    health.add("redis", lambda: None)
    assert management_app(health).test_client().get("/readyz").status_code == 200


def test_not_ready_names_the_check_that_failed() -> None:
    health = Health()
    health.add("database", lambda: None)
    health.add("redis", fail)
    response = management_app(health).test_client().get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["msg"] == "not ready: redis (ConnectionError)"


def test_alive_whatever_is_away() -> None:
    health = Health()
    health.add("redis", fail)
    assert management_app(health).test_client().get("/healthz").status_code == 200


def test_metrics_are_prometheus_text() -> None:
    response = management_app(Health()).test_client().get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    assert b"http_requests_total" in response.data
