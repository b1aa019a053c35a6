"""The command `mysql-agent`: runs until it is stopped; exit code 2 for bad settings."""

import os
import signal
from datetime import UTC, datetime

from efishery_mysql_agent import metrics
from efishery_mysql_agent.accounts import Accounts, Secrets
from efishery_mysql_agent.agent import Agent
from efishery_mysql_agent.cluster import Cluster
from efishery_mysql_agent.execute import Executor
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.reconcile import Reconciler
from efishery_mysql_agent.server import StatusPublisher, application
from efishery_mysql_agent.settings import AgentSettings
from efishery_mysql_agent.store import Store
from servicekit.background import serve_in_background
from servicekit.logging import configure
from servicekit.settings import ANY_ADDRESS, load

OBSERVE_SECONDS = 3  # timeout of a statement of the loop: a slower mysqld counts as not answering
EXECUTE_SECONDS = 1800  # timeout of a statement that changes the group: a clone copies all data


def main() -> None:
    """Run the agent; raises SystemExit(2) for bad settings."""
    settings = load(AgentSettings)
    configure(settings.log_level, settings.log_format)
    # There is nothing to clean up: mysqld and the group go on without the agent.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    metrics.measure_volume(settings.state_dir)
    publisher = StatusPublisher(settings.pod)
    serve_in_background(application(publisher), ANY_ADDRESS, settings.port)
    build(settings, publisher).run()


def build(settings: AgentSettings, publisher: StatusPublisher) -> Agent:
    """Create the agent and its parts."""
    mysql = Mysql(settings.socket, OBSERVE_SECONDS)
    cluster = Cluster(settings.pod, settings.namespace, settings.lease, lambda: datetime.now(UTC))
    store, secrets = Store(settings.state_dir), Secrets(settings.secret_dir)
    ca_file = settings.tls_dir / "ca.crt"
    accounts = Accounts(settings.database, settings.user, secrets, ca_file, settings.migration_user)
    urls = {pod: f"http://{settings.host(pod)}:{settings.port}/status" for pod in settings.peers}
    return Agent(
        settings=settings,
        mysql=mysql,
        cluster=cluster,
        store=store,
        secrets=secrets,
        peers=Peers(urls),
        reconciler=Reconciler(settings.pod, settings.peers, mysql, cluster, store, accounts),
        executor=Executor(settings, Mysql(settings.socket, EXECUTE_SECONDS), cluster, store, accounts),
        publisher=publisher,
    )
