"""What makes the alerts on CronJobs fire: runs that cannot end in time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from tests.charts import helm
from tests.charts.manifests import Manifest, parse
from tests.e2e.cluster import NAMESPACE, Cluster, run
from tests.e2e.monitoring.outcomes import Alert, Cause, Observer

EACH_MINUTE = "* * * * *"
PRUNE, BACKUP = "auth-prune", "mysql-backup"
SECONDS = 480  # two hours are four minutes, and the first run begins within one


@dataclass(frozen=True)
class CronJobCauses:
    """The faults of runs."""

    cluster: Cluster
    repository: Path

    def run(self, observer: Observer) -> None:
        """Cause the alerts on runs at the same time, and then that on backups that are not made."""
        schedule = self.cluster.batch.read_namespaced_cron_job(PRUNE, NAMESPACE).spec.schedule
        try:
            self._observe(observer)
        finally:
            self.cluster.batch.patch_namespaced_cron_job(PRUNE, NAMESPACE, {"spec": {"schedule": schedule}})
            self._kubectl("delete", "cronjob,pvc,configmap,networkpolicy", BACKUP, "--ignore-not-found", "--wait=false")

    def _observe(self, observer: Observer) -> None:
        observer.observe(
            Cause("no run of auth-prune ends in time", lambda: self._slow(PRUNE), (Alert("CronJobFails"),)),
            Cause("no run of mysql-backup ends in time", self._slow_backup, (Alert("MysqlBackupFails"),)),
            fire_seconds=SECONDS,
        )
        suspended = partial(self.cluster.suspended_cronjob, BACKUP)
        observer.observe(Cause("mysql-backup suspended", suspended, (Alert("MysqlBackupSilent"),)))

    @contextmanager
    def _slow(self, name: str) -> Iterator[None]:
        """Run the CronJob each minute, and end its runs after a second."""
        before = self.cluster.batch.read_namespaced_cron_job(name, NAMESPACE).spec.job_template.spec
        self._patch(name, deadline=1)
        try:
            yield
        finally:
            self._patch(name, before.active_deadline_seconds)

    def _patch(self, name: str, deadline: int) -> None:
        spec = {"schedule": EACH_MINUTE, "jobTemplate": {"spec": {"activeDeadlineSeconds": deadline}}}
        self.cluster.batch.patch_namespaced_cron_job(name, NAMESPACE, {"spec": spec})

    @contextmanager
    def _slow_backup(self) -> Iterator[None]:
        """Install what the chart has for backups, without the first backup's Job."""
        chart = ["--values", str(self.repository / "hack/values-dev.yaml"), "--set", "mysql.backup.enabled=true"]
        result = helm.template("efishery", *chart, "--namespace", NAMESPACE)
        assert result.returncode == 0, result.stderr
        wanted = [each.body for each in parse(result.stdout).objects if _is_of_backup(each)]
        self._kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(wanted))
        with self._slow(BACKUP):
            yield

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return run(self.repository, "kubectl", "-n", NAMESPACE, *arguments, stdin=stdin)


def _is_of_backup(manifest: Manifest) -> bool:
    return manifest.name == BACKUP and manifest.kind in (
        "CronJob",
        "PersistentVolumeClaim",
        "ConfigMap",
        "NetworkPolicy",
    )
