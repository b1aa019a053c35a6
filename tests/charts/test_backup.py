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


def test_there_are_none_unless_asked_for() -> None:
    rendered = Scenario("mysql", "default").rendered()
    assert not [manifest.id for manifest in rendered.objects if "backup" in manifest.name]


def test_it_reads_from_a_replica_as_the_application(backup: Manifests) -> None:
    (container,) = backup.workload("CronJob/mysql-backup").containers
    variables = {variable["name"]: variable for variable in container["env"]}
    assert container["env"][0] == {"name": "HOST", "value": "mysql-replicas"}, "hack/restore replaces the first one"
    assert variables["MYSQL_USER"]["value"] == "efishery"
    assert variables["MYSQL_PWD"]["valueFrom"]["secretKeyRef"]["key"] == "password"
    assert variables["KEEP"]["value"] == "3"


def test_it_sees_the_ca_and_no_private_key(backup: Manifests) -> None:
    volumes = {volume["name"]: volume for volume in backup.workload("CronJob/mysql-backup").pod.spec["volumes"]}
    assert volumes["tls"]["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]


def test_one_runs_at_a_time_and_not_for_ever(backup: Manifests) -> None:
    spec = backup.get("CronJob/mysql-backup").spec
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 3600


def test_no_service_counts_its_pod_as_a_member(backup: Manifests) -> None:
    labels = backup.workload("CronJob/mysql-backup").pod.labels
    for manifest in backup.of("Service", "PodDisruptionBudget"):
        selector = manifest.spec["selector"]
        assert not selector.get("matchLabels", selector).items() <= labels.items(), manifest.id


def test_the_volume_is_the_users_own_or_outlives_the_release(backup: Manifests) -> None:
    volumes = backup.workload("CronJob/mysql-backup").pod.spec["volumes"]
    assert volumes[0]["persistentVolumeClaim"] == {"claimName": "my-backups"}
    assert not backup.of("PersistentVolumeClaim")


@pytest.mark.parametrize("script", ["backup.sh", "restore.sh"])
def test_the_scripts_are_plain_sh(script: str, repository: Path) -> None:
    path = repository / "charts/mysql/files" / script
    checked = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"{script}: |" in str(path.parents[1].joinpath("templates/backup-configmap.yaml").read_text())


def test_a_release_makes_its_first_dump_at_once_by_the_same_pod() -> None:
    result = helm.template("mysql", "--set", "backup.enabled=true")
    rendered = parse(result.stdout)
    job = rendered.get("Job/mysql-backup-1").spec
    assert job["template"] == rendered.get("CronJob/mysql-backup").spec["jobTemplate"]["spec"]["template"]
    claim = rendered.get("PersistentVolumeClaim/mysql-backup")
    assert claim.annotations["helm.sh/resource-policy"] == "keep"
