"""The CronJob that renews a generated certificate: when there is one, what it may do, what ends it."""

import pytest

from efishery_mysql_agent.renew_certificate import RenewalSettings
from servicekit.settings import load
from tests.charts import helm
from tests.charts.created_secrets import specs
from tests.charts.manifests import Manifests, parse
from tests.charts.scenarios import Scenario

NAME = "mysql-certificate-renewal"


def test_a_generated_certificate_is_renewed_by_default(default: Manifests) -> None:
    spec = default.get(f"CronJob/{NAME}").spec
    assert spec["concurrencyPolicy"] == "Forbid"
    job = spec["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] <= 300
    exits = [rule["onExitCodes"] for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    assert exits == [{"containerName": "renew-certificate", "operator": "In", "values": [2, 3]}]


@pytest.mark.parametrize("scenario", ["cert-manager", "existing-secret"])
def test_a_certificate_of_others_is_left_to_them(scenario: str) -> None:
    assert not [each.id for each in Scenario("mysql", scenario).rendered().objects if each.name == NAME]


def test_it_can_be_switched_off() -> None:
    rendered = parse(helm.template("mysql", "--set", "tls.renewal.enabled=false").stdout)
    assert not [each.id for each in rendered.objects if each.name == NAME]


def test_it_may_read_and_change_one_secret(default: Manifests) -> None:
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mysql-tls"], "verbs": ["get", "update"]}
    assert default.get(f"Role/{NAME}").body["rules"] == [rule]
    binding = default.get(f"RoleBinding/{NAME}").body
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME}]
    assert binding["roleRef"]["name"] == NAME
    assert [w.id for w in default.workloads if w.pod.spec["serviceAccountName"] == NAME] == [f"CronJob/{NAME}"]


def test_the_program_makes_the_certificate_that_the_installation_made(
    default: Manifests, monkeypatch: pytest.MonkeyPatch
) -> None:
    (container,) = default.workload(f"CronJob/{NAME}").containers
    assert container["command"] == ["python", "-m", "efishery_mysql_agent.renew_certificate"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    settings = load(RenewalSettings)
    assert (settings.namespace, settings.wait_seconds) == ("efishery", 43200)
    assert settings.spec == specs(default)["mysql-tls"]
    assert settings.spec.tls
    assert settings.spec.tls.days == 90


def test_the_alert_on_the_expiry_is_later_than_the_renewal(default: Manifests) -> None:
    """Steps included; else each renewal would raise it."""
    rules = (helm.REPOSITORY / "charts/mysql/files/rules/mysql.yaml").read_text()
    assert "< 14 * 86400" in rules
    tls = specs(default)["mysql-tls"].tls
    assert tls
    assert tls.days / 3 - 3 > 14, "three steps, one a day"


def test_no_service_of_mysql_selects_the_pod(default: Manifests) -> None:
    labels = default.workload(f"CronJob/{NAME}").pod.labels
    for service in default.of("Service"):
        assert not service.spec["selector"].items() <= labels.items(), service.id
