"""Brings the member's labels, client connections, Lease record and accounts in line with its role.

None of it makes or changes a group. Every step is idempotent; a step that fails is tried again in a later round.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import pymysql
import structlog

from efishery_mysql_agent import group, metrics
from efishery_mysql_agent.accounts import Accounts
from efishery_mysql_agent.cluster import Cluster, ClusterError, MalformedLease, NotFound, Superseded
from efishery_mysql_agent.decide import labels
from efishery_mysql_agent.model import Labels, LeaseState, Observation, Role, State, Status, View
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.periodic import Periodic
from efishery_mysql_agent.store import Store, Stored

log = structlog.get_logger(__name__)

HANDOVER_SECONDS = 5  # the primary goes on serving reads until clients have found the first replica


@dataclass
class Reconciler:
    """Reconciles one member. `peers` are the other pods that the group can have, existing or not.

    `initialized`: the member had its labels, and as the primary its accounts, at least once since the agent started.
    `_may_have_writers`: clients of a former primary are still to be disconnected.
    `_last_alone`: when this primary last had no replica; nothing of it outlives the role.
    """

    pod: str
    peers: list[str]
    mysql: Mysql
    cluster: Cluster
    store: Store
    accounts: Accounts
    initialized: bool = False
    _may_have_writers: bool = False
    _last_alone: float = float("-inf")

    def __post_init__(self) -> None:
        self._labels: Periodic[tuple[Labels, View]] = Periodic("labels", self._set_labels)
        self._record: Periodic[View] = Periodic("record", self._record_view)
        self._accounts: Periodic[dict[str, str]] = Periodic("accounts", lambda _: self.accounts.ensure(self.mysql))

    def reconcile(self, seen: Observation) -> None:
        """Bring everything in line with the observation.

        While it is unconfirmed, others may have changed everything: labels stay, and nothing is known any more.
        """
        wanted = labels(seen)
        if seen.unconfirmed and wanted.role:
            self._refuse_clients_if_refuted(seen)
            for each in (self._labels, self._record, self._accounts):
                each.run(None)
            return
        is_primary = wanted.role is Role.PRIMARY
        self._disconnect_former_clients(seen)
        if seen.me.quorum:
            self._store_view(seen.me)
        has_accounts = self._accounts.run(self._passwords() if is_primary else None)
        is_labelled = self._labels.run((self._with_handover(wanted), seen.me.view))
        self._record.run(seen.me.view if is_primary and is_labelled else None)
        self.initialized |= is_labelled and (has_accounts if is_primary else wanted.reads)

    def _refuse_clients_if_refuted(self, seen: Observation) -> None:
        """Leave the labels as they are; set offline mode once a peer has a later view without this member."""
        if seen.me.refuted_by(seen.peers) and not seen.me.offline:
            try:
                self.mysql.set_global(offline_mode=1)
                log.warning("offline_mode_set", reason="the group has gone on without this member")
            except pymysql.MySQLError as error:
                log.warning("fencing_failed", reason=str(error))

    def _disconnect_former_clients(self, seen: Observation) -> None:
        """End the connections to a former primary, so that its clients find the new one; end offline mode."""
        me = seen.me
        if me.state is State.DOWN:
            return
        is_primary = me.role is Role.PRIMARY and me.quorum
        try:
            if self._may_have_writers and not is_primary:
                log.warning("no_longer_primary", connections_ended=group.end_connections(self.mysql))
            if me.offline and me.quorum and not seen.unconfirmed:
                self.mysql.set_global(offline_mode=0)
        except pymysql.MySQLError as error:
            log.warning("fencing_failed", reason=str(error))
            return
        if is_primary and not self._may_have_writers:
            metrics.FAILOVER.set_to_current_time()
            log.info("became_primary")
        self._may_have_writers = is_primary

    def _store_view(self, me: Status) -> None:
        if self.store.current.view == me.view:
            return
        try:
            self.store.write(Stored(self._group_name(), me.view, me.epoch))
        except (OSError, pymysql.MySQLError) as error:
            log.warning("view_not_stored", reason=str(error))

    def _group_name(self) -> str:
        return str(self.mysql.rows("SELECT @@group_replication_group_name AS name")[0]["name"])

    def _passwords(self) -> dict[str, str] | None:
        try:
            return self.accounts.secrets.all()
        except OSError as error:
            log.warning("secret_not_read", reason=str(error))
            return None

    def _with_handover(self, wanted: Labels) -> Labels:
        """Let the primary serve reads for a moment longer after it has got its first replica."""
        now = time.monotonic()
        if wanted.role is not Role.PRIMARY:
            self._last_alone = float("-inf")
            return wanted
        if wanted.reads:
            self._last_alone = now
        return Labels(wanted.role, reads=wanted.reads or now - self._last_alone < HANDOVER_SECONDS)

    def _set_labels(self, target: tuple[Labels, View]) -> None:
        wanted, view = target
        if self.cluster.labels(self.pod) != wanted:
            if wanted.role is Role.PRIMARY:
                self._prepare_for_writes(view)
            self.cluster.set_labels(self.pod, wanted)
            log.info("labelled", role=wanted.role, reads=wanted.reads)

    def _prepare_for_writes(self, view: View) -> None:
        """Before clients can write: no pod outside the view has a label, and the Lease knows the group.

        Otherwise a group could be started without its data. One whose Lease was lost, or broken by hand, goes on
        without it. Raises Superseded: the label would come back each time that the present primary removes it.
        """
        try:
            lease = self.cluster.lease()
        except (NotFound, MalformedLease):
            lease = None
        self._unlabel_absent(lease, view)
        if lease and not lease.formed:
            self.cluster.record(lease, self._group_name(), self.store.current.view)

    def _record_view(self, view: View) -> None:
        """As the primary: unlabel the pods outside the view, then write the view into the Lease.

        Such a member is cut off, or its agent cannot reach the API, so it cannot remove its labels itself. Comparing
        with the API, not with the view before, also finds labels that were left by an earlier primary's term.
        """
        try:
            lease = self.cluster.lease()
        except ClusterError:  # a lost member may not keep its label for want of a Lease
            self._unlabel_absent(None, view)
            raise
        self._unlabel_absent(lease, view)
        # The name is mysqld's: the one on the volume is missing, or of a former group, while that cannot be written.
        name = self._group_name()
        # A request made while the group is online must not act on its next outage: recording removes it.
        if (lease.group, lease.view) != (name, view) or lease.is_requested or lease.holder == self.pod:
            self.cluster.record(lease, name, view)

    def _unlabel_absent(self, lease: LeaseState | None, view: View) -> None:
        """Remove the labels of the pods outside the view. Raises Superseded: then it is this member that is outside."""
        if lease and lease.view and lease.view.supersedes(view):
            raise Superseded("the Lease has a later view: the group has gone on without this member")
        self.cluster.unlabel(pod for pod in self.peers if pod not in view.members)
