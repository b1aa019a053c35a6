"""What makes the alerts on the MySQL group fire. They need the one-node cluster's node, for signals and mounts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from servicekit.certificates import new_authority, new_certificate
from tests.e2e.cluster import wait_for
from tests.e2e.monitoring.outcomes import Alert, Cause, Observer
from tests.e2e.mysql import node
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.limits import RECOVERY_SECONDS
from tests.e2e.mysql.members import Member, MemberUnavailable

DISK_MEBIBYTES = 700
LAG = 1200  # transactions; the alert's threshold is 1,000
TABLE = "efishery.alert_test_writes"
WRITE = f"INSERT INTO {TABLE} VALUES (%s)"  # noqa: S608 -- of the constant above
RUN_DIRECTORY = "run/mysqld"


@dataclass(frozen=True)
class MysqlCauses:
    """The faults of members and of the group. Each method leaves the group healthy."""

    harness: Harness

    def fill_volume(self, observer: Observer) -> None:
        """Rebuild a replica on a small volume and fill it; give it its own volume back."""
        pod = self.harness.replica().pod
        cause = Cause(
            "the volume of a replica is full",
            lambda: self._full_volume(self.harness.release.volume_path(pod)),
            (Alert("MysqlDiskFills", (("pod", pod),)),),
        )
        with node.small_disk(self.harness.release.volume_path(pod), DISK_MEBIBYTES):
            self.harness.release.delete_pods(pod)
            self._wait_until_healthy()
            observer.observe(cause)
        self.harness.release.delete_pods(pod)
        self._wait_until_healthy()

    def disturb_members(self, observer: Observer) -> None:
        """Another primary; one replica that lags; the former primary accepts writes and serves another certificate."""
        former = self.harness.primary().pod
        first, second = [member.pod for member in self.harness.members() if member.pod != former]
        observer.observe(
            Cause(
                "another primary by command; then the former one again",
                lambda: self._other_primary(first, former),
                (Alert("MysqlFailover", (("pod", first),)),),
            ),
            Cause(
                "a replica serves a certificate that expires in seven days",
                lambda: self._short_lived_certificate(self.harness.admin(former)),
                (Alert("MysqlCertificateExpires", (("pod", former),)),),
            ),
            Cause(
                "`super_read_only` off on a replica",
                lambda: self._accepts_writes(self.harness.admin(former)),
                (Alert("MysqlTwoWritable"),),
            ),
            Cause(
                f"`FLUSH TABLES WITH READ LOCK` on a replica, {LAG} transactions on the primary",
                lambda: self._lags(self.harness.admin(second), self.harness.admin(first)),
                (Alert("MysqlReplicaLags", (("pod", second),)),),
            ),
        )

    def stop_majority(self, observer: Observer) -> None:
        """Stop the primary and a replica; the third has no majority."""
        alerts = tuple(map(Alert, ("MysqlNoPrimary", "MysqlAgentWaits", "MysqlMembersMissing")))
        observer.observe(Cause("mysqld of two members stopped (SIGSTOP)", self._two_stopped, alerts))
        self._wait_until_healthy()

    def refuse_to_join(self, observer: Observer) -> None:
        """Give a replica a setting that Group Replication refuses."""
        replica = self.harness.admin(self.harness.replica().pod)
        alerts = (Alert("MysqlActionFails", (("pod", replica.pod), ("action", "Join"))),)
        reason = "`replica_preserve_commit_order` off on a replica, which then cannot join"
        observer.observe(Cause(reason, lambda: self._cannot_join(replica), alerts))
        self._wait_until_healthy()

    def _wait_until_healthy(self) -> None:
        assert self.harness.wait_until_healthy(RECOVERY_SECONDS) is not None, self.harness.release.diagnosis()

    @contextmanager
    def _full_volume(self, path: Path) -> Iterator[None]:
        node.fill(path)
        try:
            yield
        finally:
            (path / node.FILLER).unlink()

    @contextmanager
    def _short_lived_certificate(self, member: Member) -> Iterator[None]:
        names = ("ssl_ca", "ssl_cert", "ssl_key")
        (before,) = member.query("SELECT @@ssl_ca, @@ssl_cert, @@ssl_key")
        authority = new_authority("e2e", timedelta(days=8))  # mysqld takes no certificate that its CA has not signed
        pair = new_certificate(authority, "mysql", ["mysql"], [], timedelta(days=7))
        contents = (authority.certificate_pem, pair.certificate_pem, pair.key_pem)
        for name, content in zip(names, contents, strict=True):
            file = Path(f"/proc/{member.pid()}/root/{RUN_DIRECTORY}/{name}.pem")
            file.write_bytes(content)
            file.chmod(0o644)
        try:
            self._serve_certificate(member, {name: f"/{RUN_DIRECTORY}/{name}.pem" for name in names})
            yield
        finally:
            self._serve_certificate(member, dict(zip(names, map(str, before), strict=True)))

    def _serve_certificate(self, member: Member, files: dict[str, str]) -> None:
        for name, path in files.items():
            member.query(f"SET GLOBAL {name} = %s", path)
        member.query("ALTER INSTANCE RELOAD TLS")

    @contextmanager
    def _accepts_writes(self, member: Member) -> Iterator[None]:
        member.query("SET GLOBAL super_read_only = 0")
        try:
            yield
        finally:
            member.query("SET GLOBAL super_read_only = 1")

    @contextmanager
    def _lags(self, replica: Member, primary: Member) -> Iterator[None]:
        primary.query(f"CREATE TABLE IF NOT EXISTS {TABLE} (n INT PRIMARY KEY)")
        try:
            replica.query("FLUSH TABLES WITH READ LOCK")
            try:
                for n in range(LAG):
                    primary.query(WRITE, n)
                yield
            finally:
                replica.query("UNLOCK TABLES")
        finally:
            primary.query(f"DROP TABLE {TABLE}")

    @contextmanager
    def _other_primary(self, other: str, former: str) -> Iterator[None]:
        self.harness.make_primary(other)
        try:
            yield
        finally:
            self.harness.make_primary(former)

    @contextmanager
    def _two_stopped(self) -> Iterator[None]:
        with node.stopped(self.harness.replica().pid(), 90), node.stopped(self.harness.primary().pid(), 90):
            yield

    @contextmanager
    def _cannot_join(self, member: Member) -> Iterator[None]:
        member.query("STOP GROUP_REPLICATION")
        member.query("SET GLOBAL replica_preserve_commit_order = 0")
        try:
            yield
        finally:
            wait_for(
                "the setting to be back", lambda: _runs(member, "SET GLOBAL replica_preserve_commit_order = 1"), 60
            )


def _runs(member: Member, statement: str) -> bool:
    """Run the statement; tell whether MySQL accepted it, which it does not while it starts to join."""
    with suppress(MemberUnavailable):
        member.query(statement)
        return True
    return False
