"""hack/restore: what it checks before it starts a Job, and how it ends."""

import pytest

from tests.unit.hack.support import Checkout

KUBECTL = """case "$*" in
  "config current-context") echo somewhere ;;
  "config view"*) echo https://cluster.example ;;
  *"get cronjob mysql-backup"*) [ ! -f no-backups ] && echo 3600 ;;
  *"get job"*) echo x >>asked; [ "$(wc -l <asked)" = 1 ] || cat condition ;;
  *" logs "*) echo "restored" ;;
esac"""


@pytest.fixture
def scripts(checkout: Checkout) -> Checkout:
    checkout.copy("hack/restore", "hack/lib.sh", "hack/one-node/settings")
    checkout.stand_in("bin/kubectl", KUBECTL)
    (checkout.root / "condition").write_text("SuccessCriteriaMet Complete")
    return checkout


def restore(scripts: Checkout, *arguments: str) -> tuple[int, str]:
    scripts.stand_in("hack/run-restore", f"exec {scripts.root}/hack/restore {' '.join(arguments)}")
    return scripts.run("hack/run-restore")


def jobs(scripts: Checkout) -> list[str]:
    return [call for call in scripts.calls if " create job " in call]


@pytest.mark.parametrize("arguments", [["--help"], ["--replace", "--force"], ["-x", "dump.sql.gz"]])
def test_an_unknown_option_is_no_dump(scripts: Checkout, arguments: list[str]) -> None:
    code, printed = restore(scripts, *arguments)
    assert code == 1
    assert "there is no option '-" in printed
    assert "hack/restore [FILE | --replace FILE]" in printed
    assert scripts.calls == ["run-restore "]


def test_tables_are_replaced_only_by_a_dump_that_is_named(scripts: Checkout) -> None:
    code, printed = restore(scripts, "--replace")
    assert (code, jobs(scripts)) == (1, [])
    assert "--replace needs the name of a dump" in printed


def test_a_release_without_backups_is_named_with_the_remedy(scripts: Checkout) -> None:
    (scripts.root / "no-backups").touch()
    code, printed = restore(scripts)
    assert (code, jobs(scripts)) == (1, [])
    assert "the release in efishery has no backups: set mysql.backup.enabled=true" in printed


def test_it_shows_the_cluster_and_waits_for_the_job(scripts: Checkout) -> None:
    code, printed = restore(scripts, "--replace", "dump.sql.gz")
    assert code == 0, printed
    assert "cluster: context somewhere, https://cluster.example" in printed
    assert printed.endswith("restored\n")
    (patch,) = [call for call in scripts.calls if call.startswith("kubectl patch")]
    assert patch, "the Job's script and file"
    calls = (scripts.root / "calls").read_text()
    assert '"name": "FILE", "value": "dump.sql.gz"' in calls
    assert '{"op": "remove", "path": "/metadata/ownerReferences"}' in calls, "or else it counts as a backup"


def test_a_failed_restore_fails(scripts: Checkout) -> None:
    (scripts.root / "condition").write_text("FailureTarget Failed")
    code, printed = restore(scripts)
    assert code == 1
    assert "the restore failed" in printed
