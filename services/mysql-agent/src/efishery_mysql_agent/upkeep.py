"""What follows from the member's role: the label, ended connections, the record of the group, the accounts.

None of it makes or changes a group, and all of it can be repeated; what fails is tried again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pymysql
import structlog

from efishery_mysql_agent import group, metrics
from efishery_mysql_agent.accounts import Accounts
from efishery_mysql_agent.cluster import Cluster, ClusterError
from efishery_mysql_agent.decide import labels, refuted
from efishery_mysql_agent.model import NOBODY, Labels, Observation, Role, State, Status, View
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.store import Store, Stored

log = structlog.get_logger(__name__)

CHECK_SECONDS = 15  # how often what should already be right is looked at again
HANDOVER_SECONDS = 5  # until clients find the first replica, the primary goes on taking reads
RETRY_SECONDS = 1  # how long a Kubernetes API that does not answer is left alone


@dataclass
class Upkeep:
    """Keeps one member's surroundings right. The fields without default are what it works on.

    `opened`: clients could use the member once since the agent began: labelled, a primary with their accounts too.
    """

    pod: str
    mysql: Mysql
    cluster: Cluster
    store: Store
    accounts: Accounts
    opened: bool = False
    _labels: Labels | None = None
    _checked_at: float = float("-inf")
    _failed_at: float = float("-inf")
    _read_at: float = float("-inf")
    _recorded: View | None = None
    _passwords: dict[str, str] = field(default_factory=dict)
    _was_primary: bool = False

    def keep(self, seen: Observation) -> None:
        """Bring everything in line with what was observed."""
        wanted = labels(seen)
        if seen.doubted and wanted.role:
            self._distrust(seen)
            return
        self._fence(seen)
        if seen.me.quorum:
            self._remember(seen.me)
        if wanted.role is Role.PRIMARY:
            self._prepare_clients()
        self._through_the_api(seen.me, wanted)
        self.opened |= bool(self._passwords) if wanted.role is Role.PRIMARY else wanted.reads

    def _distrust(self, seen: Observation) -> None:
        """Leave the labels as they are, and refuse clients once the group is known to have gone on without us."""
        if refuted(seen.me, seen.peers) and not seen.me.offline:
            try:
                self.mysql.set_global(offline_mode=1)
                log.warning("refused_clients", reason="the group has gone on without this member")
            except pymysql.MySQLError as error:
                log.warning("fencing_failed", reason=str(error))

    def _fence(self, seen: Observation) -> None:
        """End the connections of clients that believe that this member is the primary still."""
        me = seen.me
        if me.state is State.DOWN:
            return
        is_primary = me.role is Role.PRIMARY and me.quorum
        try:
            if self._was_primary and not is_primary:
                log.warning("no_longer_primary", connections_ended=group.end_connections(self.mysql))
            if me.offline and me.quorum and not seen.doubted:
                self.mysql.set_global(offline_mode=0)
        except pymysql.MySQLError as error:
            log.warning("fencing_failed", reason=str(error))
            return
        if is_primary and not self._was_primary:
            metrics.FAILOVER.set_to_current_time()
            log.info("became_primary")
        self._was_primary = is_primary

    def _remember(self, me: Status) -> None:
        if self.store.now.view == me.view:
            return
        try:
            name = self.mysql.rows("SELECT @@group_replication_group_name AS name")[0]["name"]
            self.store.write(Stored(str(name), me.view))
        except (OSError, pymysql.MySQLError) as error:
            log.warning("view_not_stored", reason=str(error))

    def _prepare_clients(self) -> None:
        """Make the accounts, and change those whose password is not the Secret's any more."""
        try:
            passwords = self.accounts.secrets.all()
            if passwords != self._passwords:
                self.accounts.ensure(self.mysql)
                self._passwords = passwords
        except (OSError, pymysql.MySQLError) as error:
            log.warning("accounts_not_made", reason=str(error))

    def _through_the_api(self, me: Status, wanted: Labels) -> None:
        now = time.monotonic()
        if now - self._failed_at < RETRY_SECONDS:
            return
        try:
            due = now - self._checked_at > CHECK_SECONDS
            self._set_labels(self._with_reads(wanted, now), check=due)
            if wanted.role is Role.PRIMARY:
                self._record(me, check=due)
            if due:
                self._checked_at = now
        except ClusterError as error:
            self._failed_at = time.monotonic()
            log.warning("kubernetes_api_away", reason=str(error))

    def _with_reads(self, wanted: Labels, now: float) -> Labels:
        if wanted.reads:
            self._read_at = now
        keeps = wanted.role is Role.PRIMARY and now - self._read_at < HANDOVER_SECONDS
        return Labels(wanted.role, reads=wanted.reads or keeps)

    def _set_labels(self, wanted: Labels, *, check: bool) -> None:
        if check:
            self._labels = self.cluster.labels(self.pod)
        if self._labels == wanted:
            return
        self.cluster.set_labels(self.pod, wanted)
        log.info("labelled", role=wanted.role, reads=wanted.reads)
        self._labels = wanted

    def _record(self, me: Status, *, check: bool) -> None:
        """As the primary: write the view into the Lease, after the labels of members that are lost are gone.

        Such a member is cut off, or cannot reach the API, and would keep its label for ever.
        """
        forced = False
        if check or self._recorded is None:
            lease = self.cluster.lease()
            self._recorded, forced = lease.view, lease.force is not None
        # What an operator asks for while the group lives is not for its next outage: writing takes it away.
        if self._recorded == me.view and not forced:
            return
        lost = set(self._recorded.members if self._recorded else ()) - set(me.view.members)
        for pod in sorted(lost):
            self._unlabel(pod)
        self.cluster.record(str(self.store.now.group), me.view)
        self._recorded = me.view

    def _unlabel(self, pod: str) -> None:
        try:
            if self.cluster.labels(pod) != NOBODY:
                self.cluster.set_labels(pod, NOBODY)
                log.warning("lost_member_unlabelled", member=pod)
        except ClusterError as error:
            if not str(error).startswith("404"):
                raise
