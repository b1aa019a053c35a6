"""Carry out what was decided. An action can take minutes, so it runs in a thread beside the loop, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import uuid4

import pymysql
import structlog

from efishery_mysql_agent import group
from efishery_mysql_agent.accounts import Accounts
from efishery_mysql_agent.actions import (
    Action,
    Adopt,
    Bootstrap,
    Clone,
    Join,
    Leave,
    Left,
    Reboot,
    Restart,
    Serve,
    Wait,
)
from efishery_mysql_agent.cluster import Cluster, Superseded
from efishery_mysql_agent.model import LeaseState
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.settings import AgentSettings
from efishery_mysql_agent.store import Store

log = structlog.get_logger(__name__)


@dataclass
class Executor:
    """Executes actions, on a connection of its own with a long timeout.

    `_forced` are name and epoch of the last forced start, until one has succeeded.
    """

    settings: AgentSettings
    mysql: Mysql
    cluster: Cluster
    store: Store
    accounts: Accounts
    _forced: tuple[str, int] = ("", 0)

    def execute(self, action: Action) -> None:
        """Execute an action; raises pymysql.MySQLError, ClusterError and OSError."""
        try:
            self._execute(action)
        except group.EngineLeftBehind as error:
            log.warning("new_process_needed", reason=str(error))
            self._restart(f"mysqld is restarted before it enters the group: {error}")

    def _execute(self, action: Action) -> None:
        match action:
            case Wait() | Serve():
                return
            case Adopt(lease=lease, group=name):
                self.cluster.record(lease, name, self.store.current.view)
            case Bootstrap(lease=lease, epoch=epoch, group=claimed):
                name = claimed or str(uuid4())
                self.cluster.claim(lease, epoch, name)
                self._start_alone(name, epoch)
            case Reboot(lease=lease, epoch=epoch, forced=forced):
                name = self._forced_group(lease) if forced else self._own_group(lease)
                self.cluster.acquire(lease, epoch, name)
                if forced:
                    self._forced = name, epoch
                    self.cluster.unlabel(self.settings.peers)  # what another primary still acknowledges would be lost
                self._start_alone(name, epoch, forced=forced)
                self._forced = "", 0
            case Join(group=name, seeds=seeds, epoch=epoch):
                self._prepare(epoch)
                group.join(self.mysql, name, map(self.settings.host, seeds), self._password)
            case Clone(donor=donor, discarded=discarded):
                self._clone(donor, discarded)
            case Restart():
                self._restart("Group Replication of this member hung: the others were not in the group that it showed")
            case Leave(successor=successor):
                self._leave(successor)
            case Left():
                (self.settings.run_dir / "left").touch()

    @property
    def _password(self) -> str:
        return self.accounts.secrets.read("replication-password")

    def _own_group(self, lease: LeaseState) -> str:
        """The group of this member's data, the newest; an older member may have written another into a new Lease."""
        own = self.store.current.group
        return str(lease.group) if own is None or own in lease.former else own

    def _forced_group(self, lease: LeaseState) -> str:
        """A new name: new transactions must not get the GTIDs of those that only an absent member has.

        An attempt that failed is repeated with the same name, since the Lease keeps every one.
        """
        return self._forced[0] if (lease.group, lease.epoch) == self._forced else str(uuid4())

    def _start_alone(self, name: str, epoch: int, *, forced: bool = False) -> None:
        """Start the group. It is recorded, and the Lease released, once this member is its primary (reconcile.py)."""
        self._prepare(epoch)
        lease = self.cluster.lease()
        if (lease.holder, lease.epoch) != (self.settings.pod, epoch):  # mysqld, or the node, stood still meanwhile
            raise Superseded("the Lease has expired, or another member has taken it")
        group.start_alone(self.mysql, name, self._password)
        kind, how = ("Warning", ", as an operator asked") if forced else ("Normal", "")
        self.cluster.event(kind, "Started", f"started group {name} with the data of {self.settings.pod}{how}")

    def _prepare(self, epoch: int) -> None:
        """Prepare for a start: what is stored before it cannot be missing after it. Raises group.EngineLeftBehind."""
        self.accounts.ensure_replication(self.mysql)
        self.store.write(replace(self.store.current, epoch=epoch))
        group.stop_before_start(self.mysql)

    def _clone(self, donor: str, discarded: str) -> None:
        if discarded:
            log.warning("transactions_discarded", gtids=discarded, donor=donor)
            message = f"takes the data of {donor}; discards transactions that the group does not have: {discarded}"
            self.cluster.event("Warning", "Discarding", message)
        # While the clone is incomplete, the volume holds no group's data.
        self.store.clear()
        group.clone(self.mysql, self.settings.host(donor), self._password)

    def _restart(self, message: str) -> None:
        group.restart(self.mysql)
        self.cluster.event("Warning", "Restarting", message)

    def _leave(self, successor: str | None) -> None:
        if successor:
            try:
                group.hand_over(self.mysql, self.settings.host(successor))
            except pymysql.MySQLError as error:
                # As for the last member of an older series in an upgrade: the group elects when this one has left.
                log.warning("not_handed_over", successor=successor, reason=str(error))
        group.stop(self.mysql)
