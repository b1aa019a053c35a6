"""The command `mysql-agent`: runs until it is stopped; exit code 2 for bad settings."""

import os
import signal
from datetime import UTC, datetime

from efishery_mysql_agent.accounts import Accounts, Secrets
from efishery_mysql_agent.act import Actor
from efishery_mysql_agent.agent import Agent
from efishery_mysql_agent.cluster import Cluster
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.server import Board, application
from efishery_mysql_agent.settings import AgentSettings
from efishery_mysql_agent.store import Store
from efishery_mysql_agent.upkeep import Upkeep
from servicekit.background import serve_in_background
from servicekit.logging import configure
from servicekit.settings import load

OBSERVE_SECONDS = 3  # for a statement of the loop: a mysqld that takes longer does not answer
ACT_SECONDS = 1800  # for a statement that changes the group: a clone takes as long as its data need


def main() -> None:
    """Run the agent; raises SystemExit(2) for bad settings."""
    settings = load(AgentSettings)
    configure(settings.log_level, settings.log_format)
    # Stopping it needs nothing but its end: mysqld and the group go on without.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    board = Board(settings.pod)
    serve_in_background(application(board), "0.0.0.0", settings.port)  # noqa: S104 -- peers and kubelet ask
    build(settings, board).run()


def build(settings: AgentSettings, board: Board) -> Agent:
    """Put the agent together."""
    mysql = Mysql(settings.socket, OBSERVE_SECONDS)
    cluster = Cluster(settings.pod, settings.namespace, settings.lease, lambda: datetime.now(UTC))
    store, secrets = Store(settings.state_dir), Secrets(settings.secret_dir)
    accounts = Accounts(settings.database, settings.user, secrets, settings.tls_dir / "ca.crt")
    urls = {pod: f"http://{settings.host(pod)}:{settings.port}/status" for pod in settings.peers}
    return Agent(
        settings=settings,
        mysql=mysql,
        cluster=cluster,
        store=store,
        secrets=secrets,
        peers=Peers(urls),
        upkeep=Upkeep(settings.pod, mysql, cluster, store, accounts),
        actor=Actor(settings, Mysql(settings.socket, ACT_SECONDS), cluster, store, accounts),
        board=board,
    )
