"""A dump of charts/mysql's backups brings back what was lost, in a release of its own."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster, run, wait_for

ROWS = 1000
MAKE = r"""
CREATE TABLE fish (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, size VARBINARY(8));
INSERT INTO fish WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
  SELECT i, CONCAT('ikan "', i, '" \n ✓'), UNHEX(HEX(i)) FROM n;
"""
CHECKSUM = "SELECT COUNT(*), BIT_XOR(CRC32(CONCAT_WS('#', id, name, HEX(size)))) FROM fish"
GROUP = r"jsonpath={.metadata.annotations.mysql\.efishery/group}"
START_EMPTY = r"jsonpath={.metadata.annotations.mysql\.efishery/start-empty}"

Run = Callable[..., str]


@pytest.fixture(scope="module")
def namespace(repository: Path) -> Iterator[str]:
    """Return a namespace with one member and its backups."""
    with Cluster().temporary_namespace() as name:
        tag = os.environ.get("IMAGE_TAG", "dev")
        values = ["replicas=1", f"agent.image.tag={tag}", "backup.enabled=true", "backup.size=64Mi"]
        sets = [word for value in values for word in ("--set", value)]
        run(repository, ".tools/bin/helm", "install", "mysql", "charts/mysql", "-n", name, "--wait", *sets)
        yield name


@pytest.fixture(scope="module")
def kubectl(repository: Path, namespace: str) -> Run:
    """Run kubectl in that namespace; return what it prints."""
    return lambda *arguments: run(repository, "kubectl", "-n", namespace, *arguments)


@pytest.fixture(scope="module")
def restore(repository: Path, namespace: str) -> Run:
    """Run hack/restore there; return what it prints."""
    return lambda *arguments: run(repository, "env", f"NAMESPACE={namespace}", "hack/restore", *arguments)


@pytest.fixture(scope="module")
def sql(kubectl: Run) -> Run:
    """Run statements as root on the only member, once it is the primary with its accounts; return what they print."""

    def execute(statements: str) -> str:
        client = 'MYSQL_PWD="$0" mysql --no-defaults -uroot -S /var/run/mysqld/mysqld.sock -BN efishery -e "$1"'
        password = kubectl(
            "get", "secret", "mysql", "-o", 'go-template={{ index .data "root-password" | base64decode }}'
        )
        return kubectl("exec", "mysql-0", "-c", "mysql", "--", "sh", "-c", client, password, statements).strip()

    def is_served() -> bool:
        with suppress(AssertionError):
            return execute("SELECT @@super_read_only") == "0"
        return False

    def execute_when_served(statements: str) -> str:
        wait_for("mysql-0 to be the primary, and root to have the Secret's password", is_served, 240)
        return execute(statements)

    return execute_when_served


@pytest.fixture(scope="module")
def dumped(kubectl: Run, sql: Run) -> tuple[str, str]:
    """Make a table and a dump of it; return the name of the dump and the table's checksum."""
    # The release's own first dump is retried until the group is formed, and would otherwise come later as the newest.
    jobs = kubectl("get", "jobs", "--output=name").split()
    (first,) = [job for job in jobs if job.startswith("job.batch/mysql-backup-1-")]
    kubectl("wait", "--for=condition=complete", first, "--timeout=180s")
    sql(MAKE)
    kubectl("create", "job", "--from=cronjob/mysql-backup", "now")
    kubectl("wait", "--for=condition=complete", "job/now", "--timeout=180s")
    return kubectl("logs", "job/now", "-c", "backup").split()[1].rstrip(","), sql(CHECKSUM)


def test_what_was_lost_comes_back(
    repository: Path, namespace: str, sql: Run, restore: Run, dumped: tuple[str, str]
) -> None:
    dump, checksum = dumped
    sql("DELETE FROM fish WHERE id > 10; UPDATE fish SET name = 'gone'; CREATE TABLE bird (id INT PRIMARY KEY)")
    refused = run(repository, "bash", "-c", f"! NAMESPACE={namespace} hack/restore 2>&1")
    assert "the database has tables: " in refused
    restored = restore("--replace", dump)
    assert f"fish: {ROWS} rows" in restored
    assert "all tables and rows are those of the dump" in restored
    assert sql("SHOW TABLES") == "fish"
    assert sql(CHECKSUM) == checksum
    sql("DROP TABLE fish")
    assert "fish: 10 rows" in restore(), restored


def lose_all_data(kubectl: Run, *others: str) -> None:
    """Delete the only member's volume, and `others` before: the StatefulSet makes pod and volume again."""
    if others:
        kubectl("delete", *others)
    claim, pod = (
        kubectl("get", kind, "-o", "jsonpath={.metadata.uid}") for kind in ("pvc/data-mysql-0", "pod/mysql-0")
    )
    kubectl("delete", "pvc", "data-mysql-0", "--wait=false")
    kubectl("delete", "pod", "mysql-0")

    def is_new() -> bool:
        with suppress(AssertionError):
            found = {
                kubectl("get", kind, "-o", "jsonpath={.metadata.uid}") for kind in ("pvc/data-mysql-0", "pod/mysql-0")
            }
            return len(found) == 2 and not found & {claim, pod}
        return False

    wait_for("a new pod with a new volume", is_new)


def waits_for_the_operator(kubectl: Run) -> str | None:
    """Return the agent's Event that all data are lost, if there is one."""
    messages = kubectl("get", "events", "--field-selector", "reason=AllDataLost", "-o", "jsonpath={.items[*].message}")
    return messages or None


def test_all_volumes_lost(kubectl: Run, sql: Run, restore: Run, dumped: tuple[str, str]) -> None:
    """The steps of docs/backup.md, "After the loss of all volumes"."""
    dump, checksum = dumped
    group = kubectl("get", "lease", "mysql", "-o", GROUP)
    lose_all_data(kubectl)
    message = wait_for("the agent to wait for the operator", lambda: waits_for_the_operator(kubectl), 240)
    assert f"start-empty={group}" in message
    kubectl("annotate", "lease", "mysql", f"mysql.efishery/start-empty={group}")
    assert sql("SHOW TABLES") == "", "nothing but an empty group"
    assert "all tables and rows are those of the dump" in restore("--replace", dump)
    assert sql(CHECKSUM) == checksum
    kubectl("wait", "--for=condition=ready", "pod/mysql-0", "--timeout=120s")
    assert kubectl("get", "lease", "mysql", "-o", GROUP) not in ("", group)
    assert kubectl("get", "lease", "mysql", "-o", START_EMPTY) == "", "the agent removes the request"


def test_all_volumes_and_the_lease_lost(
    repository: Path, namespace: str, kubectl: Run, sql: Run, restore: Run, dumped: tuple[str, str]
) -> None:
    dump, checksum = dumped
    lose_all_data(kubectl, "lease/mysql")
    run(
        repository,
        ".tools/bin/helm",
        "upgrade",
        "mysql",
        "charts/mysql",
        "-n",
        namespace,
        "--reuse-values",
        "--no-hooks",
    )
    assert sql("SHOW TABLES") == "", "a first boot"
    assert "all tables and rows are those of the dump" in restore("--replace", dump)
    assert sql(CHECKSUM) == checksum
