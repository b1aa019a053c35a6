"""Each alert fires because its reason is there, and resolves once it is gone."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception

import pytest
import yaml

from tests.charts import helm
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Gateway, Headers
from tests.e2e.monitoring.causes_in_auth import AuthCauses
from tests.e2e.monitoring.causes_in_cronjobs import CronJobCauses
from tests.e2e.monitoring.causes_in_fetch import FetchCauses
from tests.e2e.monitoring.causes_in_gateway import GatewayCauses
from tests.e2e.monitoring.causes_in_mysql import MysqlCauses
from tests.e2e.monitoring.outcomes import Observer, section, table
from tests.e2e.monitoring.prometheus import Monitoring
from tests.e2e.mysql import node
from tests.e2e.mysql.conftest import print_line
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.release import Release
from tests.e2e.mysql.results import Report
from tests.generated import replace_section

ALERTS = sorted(
    rule["alert"]
    for path in helm.REPOSITORY.glob("charts/*/files/rules/*.yaml")
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
)

Step = Callable[[Observer], None]


@dataclass(frozen=True)
class Run:
    """What was observed, and why a part of it ended early."""

    observer: Observer
    errors: list[str]


@pytest.fixture(scope="module")
def observed(
    cluster: Cluster,
    gateway: Gateway,
    repository: Path,
    monitored: Monitoring,
    new_phone: Callable[[], str],
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """Cause all alerts, those in parallel whose causes do not touch each other."""
    node.require(repository, "for signals and mounts")
    release = Release(repository)
    log = tmp_path_factory.mktemp("alerts") / "api.jsonl"
    harness = Harness(release, release.secret("mysql")["root-password"], gateway.url, log, Report(lambda _: None))
    first = cluster.secret("auth-first-admin")
    user: Headers = gateway.login(first["phone"], first["password"])
    observer = Observer(monitored, lambda line: print_line(pytestconfig, line))
    auth = AuthCauses(cluster, gateway, harness, new_phone)
    mysql = MysqlCauses(harness)
    errors: list[str] = []

    def run(lane: Sequence[Step]) -> None:
        for step in lane:
            with ThreadPoolExecutor(1) as thread:
                error = thread.submit(step, observer).exception()
            if error:
                errors.append("".join(format_exception(error)))
                print_line(pytestconfig, errors[-1])

    def in_parallel(*lanes: Sequence[Step]) -> None:
        """Run the steps of each lane one after the other; an error of one does not hide the alerts of the next."""
        with ThreadPoolExecutor() as threads:
            list(threads.map(run, lanes))

    def auth_then_mysql(_: Observer) -> None:
        """Change the primary only after the alerts on auth, which needs one."""
        in_parallel([auth.run], [mysql.fill_volume])
        in_parallel([mysql.disturb_members, mysql.refuse_to_join, mysql.stop_majority])

    in_parallel(
        [FetchCauses(cluster, gateway, repository, user).run],
        [CronJobCauses(cluster, repository).run],
        [auth.age_key],
        [GatewayCauses(cluster).run],
        [auth_then_mysql],
    )
    outcomes = [observer.outcomes[name] for name in ALERTS if name in observer.outcomes]
    print_line(pytestconfig, "\n" + table(outcomes))
    if pytestconfig.getoption("--write-docs"):
        text = section(outcomes, f"on {datetime.now(UTC):%Y-%m-%d}")
        replace_section(repository / "docs/operations.md", "measured alerts", text)
    return Run(observer, errors)


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_by_its_reason_and_resolves(observed: Run, alert: str) -> None:
    outcome = observed.observer.outcomes.get(alert)
    assert outcome, observed.errors
    assert outcome.fired is not None, f"it did not fire: {outcome.reason}; {observed.errors}"
    assert outcome.resolved is not None, f"it did not resolve: {outcome.reason}; {observed.errors}"


def test_no_part_of_the_run_ended_early(observed: Run) -> None:
    assert not observed.errors
