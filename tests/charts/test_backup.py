"""Backups of charts/mysql: off by default, from a replica, with no more rights than they need."""

import subprocess
from pathlib import Path

import pytest

from tests.charts import helm
from tests.charts.manifests import Manifests, parse
from tests.charts.scenarios import Scenario


@pytest.fixture(scope="module")
def backup() -> Manifests:
    return Scenario("mysql", "backup").rendered()


def test_backups_are_off_by_default() -> None:
    rendered = Scenario("mysql", "default").rendered()
    assert not [manifest.id for manifest in rendered.objects if "backup" in manifest.name]


def test_backup_reads_from_a_replica_with_the_applications_account(backup: Manifests) -> None:
    (container,) = backup.workload("CronJob/mysql-backup").containers
    variables = {variable["name"]: variable for variable in container["env"]}
    assert container["env"][0] == {"name": "HOST", "value": "mysql-replicas"}, "hack/restore replaces the first one"
    assert variables["MYSQL_USER"]["value"] == "efishery"
    assert variables["MYSQL_PWD"]["valueFrom"]["secretKeyRef"]["key"] == "password"
    assert variables["KEEP"]["value"] == "3"


def test_backup_mounts_the_ca_and_no_private_key(backup: Manifests) -> None:
    volumes = {volume["name"]: volume for volume in backup.workload("CronJob/mysql-backup").pod.spec["volumes"]}
    assert volumes["tls"]["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]


def test_backups_do_not_overlap_and_have_a_deadline(backup: Manifests) -> None:
    spec = backup.get("CronJob/mysql-backup").spec
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 3600


def test_no_service_or_disruption_budget_selects_the_backup_pod(backup: Manifests) -> None:
    labels = backup.workload("CronJob/mysql-backup").pod.labels
    for manifest in backup.of("Service", "PodDisruptionBudget"):
        selector = manifest.spec["selector"]
        assert not selector.get("matchLabels", selector).items() <= labels.items(), manifest.id


def test_an_existing_claim_replaces_the_charts_volume(backup: Manifests) -> None:
    volumes = backup.workload("CronJob/mysql-backup").pod.spec["volumes"]
    assert volumes[0]["persistentVolumeClaim"] == {"claimName": "my-backups"}
    assert not backup.of("PersistentVolumeClaim")


@pytest.mark.parametrize("script", ["backup.sh", "restore.sh"])
def test_scripts_have_valid_sh_syntax_and_are_in_the_config_map(script: str, repository: Path) -> None:
    path = repository / "charts/mysql/files" / script
    checked = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"{script}: |" in str(path.parents[1].joinpath("templates/backup-configmap.yaml").read_text())


def test_an_installation_starts_a_first_dump_with_the_same_pod_template() -> None:
    result = helm.template("mysql", "--set", "backup.enabled=true")
    rendered = parse(result.stdout)
    job = rendered.get("Job/mysql-backup-1").spec
    assert job["template"] == rendered.get("CronJob/mysql-backup").spec["jobTemplate"]["spec"]["template"]
    claim = rendered.get("PersistentVolumeClaim/mysql-backup")
    assert claim.annotations["helm.sh/resource-policy"] == "keep"
