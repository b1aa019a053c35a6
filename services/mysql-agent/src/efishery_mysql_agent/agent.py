"""The loop: observe, decide, act, twice a second."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pymysql
import structlog

from efishery_mysql_agent import accounts, metrics
from efishery_mysql_agent.accounts import Secrets
from efishery_mysql_agent.act import Actor
from efishery_mysql_agent.actions import Action, Left, Serve, Wait
from efishery_mysql_agent.cluster import Cluster, ClusterError
from efishery_mysql_agent.decide import confirmed, decide
from efishery_mysql_agent.model import LeaseState, Observation, State, Status
from efishery_mysql_agent.mysql import Mysql, refused
from efishery_mysql_agent.observe import observe
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.server import Board
from efishery_mysql_agent.settings import AgentSettings
from efishery_mysql_agent.store import Store
from efishery_mysql_agent.upkeep import Upkeep

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 10  # a wait that is longer is told by an Event
PAUSE_SECONDS = 2  # after an action that failed
UNSEEN_SECONDS = 3  # less than the group takes to expel a member that stands still


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
        upkeep: Upkeep,
        actor: Actor,
        board: Board,
    ) -> None:
        self._settings, self._mysql, self._cluster, self._store = settings, mysql, cluster, store
        self._secrets, self._peers, self._upkeep, self._actor, self._board = secrets, peers, upkeep, actor, board
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="action")
        self._running: Future[None] | None = None
        self._doing: Action = Wait("start")
        self._since = time.monotonic()
        self._told = False
        self._seen_at = float("-inf")
        self._doubted = True
        self._state = State.DOWN
        self._failed_recoveries = 0

    def run(self) -> None:
        """Run until the process ends."""
        while True:
            started = time.monotonic()
            try:
                self.tick()
            except Exception:  # a bug in one round must not end the next; the metric and the log tell
                log.exception("round_failed")
                metrics.ACTIONS.labels("round", "failed").inc()
            time.sleep(max(0.0, self._settings.interval_seconds - (time.monotonic() - started)))

    def tick(self) -> None:
        """One round."""
        me = self._observe()
        seen = self._surroundings(me)
        self._board.show(seen.me, self._words(), opened=self._upkeep.opened)
        metrics.tell(seen.me)
        self._upkeep.keep(seen)
        if self._running is None or self._running.done():
            self._next(decide(seen))

    def _observe(self) -> Status:
        me = observe(self._mysql, self._settings.pod)
        now = time.monotonic()
        self._doubted |= me.state is State.DOWN or now - self._seen_at > UNSEEN_SECONDS
        self._seen_at = now
        self._count_recoveries(me.state)
        if me.state is State.DOWN:
            self._make_account()
        stored = self._store.now
        return dataclasses.replace(me, group=stored.group, last_view=stored.view)

    def _count_recoveries(self, state: State) -> None:
        if state is State.ONLINE:
            self._failed_recoveries = 0
        self._failed_recoveries += (self._state, state) == (State.RECOVERING, State.ERROR)
        self._state = state

    def _surroundings(self, me: Status) -> Observation:
        """Ask others only where the member alone does not tell what to do: a group that is well needs nobody."""
        leaving = (self._settings.run_dir / "leave").exists()
        if me.state is State.ONLINE and self._doubted:
            peers = self._peers.ask()
            self._doubted = not confirmed(me, peers)
            return Observation(me, peers, leaving=leaving, doubted=self._doubted)
        if leaving or me.state in (State.DOWN, State.ONLINE, State.RECOVERING):
            return Observation(me, leaving=leaving, doubted=self._doubted)
        return Observation(
            me,
            self._peers.ask(),
            self._lease(),
            ephemeral=self._settings.ephemeral,
            failed_recoveries=self._failed_recoveries,
        )

    def _lease(self) -> LeaseState | None:
        try:
            return self._cluster.lease()
        except (ClusterError, ValueError) as error:
            log.warning("lease_not_read", reason=str(error))
            return None

    def _make_account(self) -> None:
        """On a new data directory, the agent has no account yet."""
        try:
            self._mysql.run("SELECT 1")
        except pymysql.MySQLError as error:
            if not refused(error):
                return
            try:
                accounts.prepare(self._mysql, self._secrets)
            except (pymysql.MySQLError, OSError) as failure:
                log.warning("agent_account_not_made", reason=str(failure))

    def _next(self, action: Action) -> None:
        if action != self._doing:
            log.info("decided", action=type(action).__name__, **dataclasses.asdict(action))
            self._doing, self._since, self._told = action, time.monotonic(), False
        metrics.waiting(action.what if isinstance(action, Wait) else None)
        self._tell_of_a_long_wait()
        if not isinstance(action, Wait | Serve):
            self._running = self._worker.submit(self._do, action)

    def _do(self, action: Action) -> None:
        name = type(action).__name__
        try:
            self._actor.do(action)
        except (pymysql.MySQLError, ClusterError, OSError) as error:
            log.warning("action_failed", action=name, reason=str(error))
            metrics.ACTIONS.labels(name, "failed").inc()
            time.sleep(PAUSE_SECONDS)
        else:
            if not isinstance(action, Left):
                log.info("action_done", action=name)
            metrics.ACTIONS.labels(name, "done").inc()
        finally:
            self._actor.mysql.close()

    def _tell_of_a_long_wait(self) -> None:
        if self._told or not isinstance(self._doing, Wait) or time.monotonic() - self._since < PATIENCE_SECONDS:
            return
        self._told = True
        log.warning("waiting", what=self._doing.what)
        try:
            self._cluster.event("Warning", "Waiting", f"waits for {self._doing.what}")
        except ClusterError as error:
            log.warning("event_not_emitted", reason=str(error))

    def _words(self) -> str:
        return f"waits for {self._doing.what}" if isinstance(self._doing, Wait) else type(self._doing).__name__
