"""Brings the member's labels, client connections, Lease record and accounts in line with its role.

None of it makes or changes a group. Every step is idempotent; a step that fails is tried again in a later round.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pymysql
import structlog

from efishery_mysql_agent import group, metrics
from efishery_mysql_agent.accounts import Accounts
from efishery_mysql_agent.cluster import Cluster, ClusterError, NotFound
from efishery_mysql_agent.decide import labels, refuted
from efishery_mysql_agent.model import NO_LABELS, Labels, Observation, Role, State, Status, View
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.settings import MAX_MEMBERS
from efishery_mysql_agent.store import Store, Stored

log = structlog.get_logger(__name__)

CHECK_SECONDS = 15  # between two comparisons of the API's labels and Lease with what they should be
HANDOVER_SECONDS = 5  # the primary goes on serving reads until clients have found the first replica
RETRY_SECONDS = 1  # pause after a failed call of the Kubernetes API


@dataclass
class PrimaryTerm:
    """What the agent did during one uninterrupted time as the primary.

    Dropped with the role, with a mysqld that does not answer, and while the observation is unconfirmed: other
    members may have been primary since, and have changed all of it.
    """

    recorded: View | None = None
    passwords: dict[str, str] = field(default_factory=dict)
    last_alone: float = float("-inf")


@dataclass
class Reconciler:
    """Reconciles one member. `peers` are the other pods that the group can have, existing or not.

    `initialized`: the member had its labels, and as the primary its accounts, at least once since the agent started.
    `_labels`: the pod's labels as the API last confirmed them; None where a call failed or none was made yet.
    `_may_have_writers`: clients of a former primary are still to be disconnected, so it outlives the term.
    """

    pod: str
    peers: list[str]
    mysql: Mysql
    cluster: Cluster
    store: Store
    accounts: Accounts
    initialized: bool = False
    _term: PrimaryTerm | None = None
    _labels: Labels | None = None
    _checked_at: float = float("-inf")
    _failed_at: float = float("-inf")
    _may_have_writers: bool = False

    def reconcile(self, seen: Observation) -> None:
        """Bring everything in line with the observation."""
        wanted = labels(seen)
        is_primary = wanted.role is Role.PRIMARY and not seen.unconfirmed
        self._term = (self._term or PrimaryTerm()) if is_primary else None
        if seen.unconfirmed and wanted.role:
            self._refuse_clients_if_refuted(seen)
            return
        self._disconnect_former_clients(seen)
        if seen.me.quorum:
            self._store_view(seen.me)
        if self._term:
            self._ensure_accounts(self._term)
        self._update_api(seen.me, wanted)
        self.initialized |= self._is_usable(wanted)

    def _is_usable(self, wanted: Labels) -> bool:
        labelled = self._labels is not None and self._labels.role is wanted.role
        return labelled and (bool(self._term.passwords) if self._term else wanted.reads)

    def _refuse_clients_if_refuted(self, seen: Observation) -> None:
        """Leave the labels as they are; set offline mode once a peer has a later view without this member."""
        if refuted(seen.me, seen.peers) and not seen.me.offline:
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
            name = self.mysql.rows("SELECT @@group_replication_group_name AS name")[0]["name"]
            self.store.write(Stored(str(name), me.view, me.epoch))
        except (OSError, pymysql.MySQLError) as error:
            log.warning("view_not_stored", reason=str(error))

    def _ensure_accounts(self, term: PrimaryTerm) -> None:
        """Create missing accounts and change outdated passwords: once in a term, and when the Secret changes."""
        try:
            passwords = self.accounts.secrets.all()
            if passwords != term.passwords:
                self.accounts.ensure(self.mysql)
                term.passwords = passwords
        except (OSError, pymysql.MySQLError) as error:
            log.warning("accounts_not_ensured", reason=str(error))

    def _update_api(self, me: Status, wanted: Labels) -> None:
        now = time.monotonic()
        if now - self._failed_at < RETRY_SECONDS:
            return
        try:
            check = now - self._checked_at > CHECK_SECONDS
            if self._term:
                wanted = _with_handover(wanted, self._term, now)
            self._update_labels(wanted, check=check)
            if self._term and (check or self._term.recorded != me.view):
                self._update_group(self._term, me.view)
            if check:
                self._checked_at = now
        except ClusterError as error:
            self._failed_at = time.monotonic()
            log.warning("kubernetes_api_unavailable", reason=str(error))

    def _update_labels(self, wanted: Labels, *, check: bool) -> None:
        if check:
            self._labels = self.cluster.labels(self.pod)
        if self._labels == wanted:
            return
        self._labels = None  # a call that fails may have been carried out
        self.cluster.set_labels(self.pod, wanted)
        log.info("labelled", role=wanted.role, reads=wanted.reads)
        self._labels = wanted

    def _update_group(self, term: PrimaryTerm, view: View) -> None:
        """As the primary: unlabel the pods outside the view, then write the view into the Lease.

        Such a member is cut off, or its agent cannot reach the API, so it cannot remove its labels itself. Comparing
        with the API, not with the view before, also finds labels that were left by an earlier primary's term.
        """
        absent = [pod for pod in self.peers if pod not in view.members]
        with ThreadPoolExecutor(MAX_MEMBERS) as pool:  # in parallel: the loop waits for it
            list(pool.map(self._unlabel, absent))
        lease = self.cluster.lease()
        # A request made while the group is online must not act on its next outage: recording removes it.
        if lease.view != view or lease.is_requested or lease.holder == self.pod:
            self.cluster.record(lease, str(self.store.current.group), view)
        term.recorded = view

    def _unlabel(self, pod: str) -> None:
        try:
            if self.cluster.labels(pod) != NO_LABELS:
                self.cluster.set_labels(pod, NO_LABELS)
                log.warning("lost_member_unlabelled", member=pod)
        except NotFound:
            return


def _with_handover(wanted: Labels, term: PrimaryTerm, now: float) -> Labels:
    """Let the primary serve reads for a moment longer after it has got its first replica."""
    if wanted.reads:
        term.last_alone = now
    return Labels(wanted.role, reads=now - term.last_alone < HANDOVER_SECONDS or wanted.reads)
