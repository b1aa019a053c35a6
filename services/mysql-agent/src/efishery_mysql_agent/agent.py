"""The loop: observe, publish, reconcile, decide and act, twice a second."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pymysql
import structlog

from efishery_mysql_agent import accounts, metrics
from efishery_mysql_agent.accounts import Secrets
from efishery_mysql_agent.actions import Action, Clone, Left, Serve, Wait
from efishery_mysql_agent.binlogs import Binlogs
from efishery_mysql_agent.certificate import Certificate
from efishery_mysql_agent.cluster import Cluster, ClusterError
from efishery_mysql_agent.decide import decide
from efishery_mysql_agent.doubt import Doubt
from efishery_mysql_agent.execute import Executor
from efishery_mysql_agent.hang import Hang
from efishery_mysql_agent.model import Observation, State, Status
from efishery_mysql_agent.mysql import Mysql, is_access_denied
from efishery_mysql_agent.observe import observe
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.reasons import Reason
from efishery_mysql_agent.reconcile import Reconciler
from efishery_mysql_agent.server import StatusPublisher
from efishery_mysql_agent.settings import AgentSettings
from efishery_mysql_agent.store import Store
from efishery_mysql_agent.surroundings import Surroundings

log = structlog.get_logger(__name__)

LONG_WAIT_SECONDS = 10  # a wait that lasts longer is reported by an Event
PAUSE_SECONDS = 2  # after an action that failed
MAX_GAP_SECONDS = 3  # between two observations; less than the group takes to expel a member that does not respond


class Agent:
    """One member's agent."""

    def __init__(
        self,
        settings: AgentSettings,
        mysql: Mysql,
        cluster: Cluster,
        store: Store,
        secrets: Secrets,
        peers: Peers,
        reconciler: Reconciler,
        executor: Executor,
        publisher: StatusPublisher,
    ) -> None:
        self._settings, self._mysql, self._cluster, self._store = settings, mysql, cluster, store
        self._secrets, self._peers, self._reconciler = secrets, peers, reconciler
        self._executor, self._publisher = executor, publisher
        self._leave_file = settings.run_dir / "leave"
        self._surroundings = Surroundings(settings, mysql, cluster, peers)
        self._certificate = Certificate(mysql, settings.tls_dir)
        self._binlogs = Binlogs(mysql, peers, cluster, settings.peers, settings.binlog_max_total_size)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="action")
        self._running: Future[None] | None = None
        self._action: Action = Wait(Reason.AGENT_STARTS)
        self._action_since = time.monotonic()
        self._wait_reported = False
        self._observed_at = float("-inf")
        self._unanswered = False
        self._doubt, self._hang = Doubt(), Hang()
        self._recovers = False
        self._epoch = 0
        self._failed_recoveries = 0

    def run(self) -> None:
        """Run until the process ends."""
        while True:
            started, answered = time.monotonic(), True
            try:
                answered = self.tick()
            except Exception:  # a bug in one round must not end the loop; the metric and the log report it
                log.exception("round_failed")
                metrics.ACTIONS.labels("round", "failed").inc()
            if answered:
                time.sleep(max(0.0, self._settings.interval_seconds - (time.monotonic() - started)))

    def tick(self) -> bool:
        """Run one round. Returns False, and changes nothing, for the first observation without an answer."""
        acting = self._running is not None and not self._running.done()  # asked first: what is done later is not seen
        me = self._observe()
        if me is None:
            return False
        try:
            seen = self._add_surroundings(me)
        except pymysql.MySQLError as error:  # it has ended since the observation
            log.warning("gtids_not_compared", reason=str(error))
            return True
        self._publisher.publish(seen.me, self._describe_action(), initialized=self._reconciler.initialized)
        metrics.publish(seen.me)
        if seen.me.state is not State.DOWN:
            self._certificate.run()
            self._binlogs.run(seen.me)
        self._reconciler.reconcile(seen)
        if not acting:
            self._start(decide(seen))
        return True

    def _observe(self) -> Status | None:
        """Return the member's status: DOWN after two observations in a row without an answer, None after the first."""
        me = observe(self._mysql, self._settings.pod)
        if me is None and not self._unanswered:
            self._unanswered = True
            return None
        self._unanswered = me is None
        me = me or Status(self._settings.pod)
        now = time.monotonic()
        if me.state is State.DOWN or now - self._observed_at > MAX_GAP_SECONDS:
            self._doubt.begin()
        self._observed_at = now
        if me.state is State.DOWN and not self._unanswered:
            self._create_agent_account()
        stored = self._store.current
        self._count_failed_recoveries(me, stored.epoch)
        return dataclasses.replace(me, group=stored.group, epoch=stored.epoch, last_view=stored.view)

    def _count_failed_recoveries(self, me: Status, epoch: int) -> None:
        """Count the recoveries that failed in one start of the group, but not by the loss of other members.

        A group that loses its majority ends, and its next start has another epoch.
        """
        if me.state is State.ONLINE or epoch != self._epoch:
            self._failed_recoveries = 0
        self._failed_recoveries += self._recovers and me.state is State.ERROR
        lost = [member for member in me.members if member.state is State.UNREACHABLE]
        self._recovers, self._epoch = me.state is State.RECOVERING and not lost, epoch

    def _add_surroundings(self, me: Status) -> Observation:
        """Ask the peers and the API only where the decision needs them: of a healthy member seldom, and only peers."""
        leaving = self._leave_file.exists()
        if me.state not in (State.ONLINE, State.RECOVERING):
            self._hang.forget()
        elif self._hang.is_due or (self._doubt and me.state is State.ONLINE):
            peers = self._peers.ask()
            self._doubt.settle(me, peers)
            hangs = self._hang.is_due and self._hang.check(me, peers)
            return Observation(me, peers, leaving=leaving, unconfirmed=bool(self._doubt), hangs=hangs)
        if leaving or me.state in (State.DOWN, State.ONLINE, State.RECOVERING):
            return Observation(me, leaving=leaving, unconfirmed=bool(self._doubt))
        return self._surroundings.observe(me, self._failed_recoveries)

    def _create_agent_account(self) -> None:
        """Create the agent's account where mysqld runs and refuses it, as on a new data directory."""
        try:
            self._mysql.run("SELECT 1")
        except pymysql.MySQLError as error:
            if not is_access_denied(error):
                return
            try:
                accounts.create_agent_account(self._mysql, self._secrets)
            except (pymysql.MySQLError, OSError) as failure:
                log.warning("agent_account_not_created", reason=str(failure))

    def _start(self, action: Action) -> None:
        if action != self._action:
            log.info("decided", action=type(action).__name__, **dataclasses.asdict(action))
            self._action, self._action_since, self._wait_reported = action, time.monotonic(), False
        metrics.set_waiting(action.reason if isinstance(action, Wait) else None)
        self._report_long_wait()
        if not isinstance(action, Wait | Serve):
            self._running = self._worker.submit(self._execute, action)

    def _execute(self, action: Action) -> None:
        name = type(action).__name__
        try:
            self._executor.execute(action)
        except (pymysql.MySQLError, ClusterError, OSError) as error:
            log.warning("action_failed", action=name, reason=str(error))
            self._pause_after_failure(name)
        except Exception:  # a bug in one action must not end silently, nor be repeated without a pause
            log.exception("action_failed", action=name)
            self._pause_after_failure(name)
        else:
            if isinstance(action, Clone):
                self._failed_recoveries = 0  # they were those of the replaced data
            if not isinstance(action, Left):
                log.info("action_done", action=name)
            metrics.ACTIONS.labels(name, "done").inc()
        finally:
            self._executor.mysql.close()

    @staticmethod
    def _pause_after_failure(action: str) -> None:
        metrics.ACTIONS.labels(action, "failed").inc()
        time.sleep(PAUSE_SECONDS)

    def _report_long_wait(self) -> None:
        waited = time.monotonic() - self._action_since
        if self._wait_reported or not isinstance(self._action, Wait) or waited < LONG_WAIT_SECONDS:
            return
        self._wait_reported = True
        reason = self._action.reason
        log.warning("waiting", reason=reason, detail=self._action.detail)
        kind = "Warning" if reason.needs_attention else "Normal"
        self._cluster.event(kind, reason, self._action.detail or reason)

    def _describe_action(self) -> str:
        return str(self._action) if isinstance(self._action, Wait) else type(self._action).__name__
