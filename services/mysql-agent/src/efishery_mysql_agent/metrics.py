"""The agent's Prometheus metrics; docs/operations.md has the alerts on them."""

import shutil
from pathlib import Path

from prometheus_client import Counter, Gauge

from efishery_mysql_agent.model import State, Status
from efishery_mysql_agent.reasons import Reason

STATE = Gauge("mysql_member_state", "1 for the member's present state, 0 for the others", ["state"])
PRIMARY = Gauge("mysql_member_primary", "1 if the member is the group's primary")
WRITABLE = Gauge("mysql_member_writable", "1 if the member accepts writes")
MEMBERS = Gauge("mysql_group_members_online", "Members in state ONLINE, as this member sees the group")
SIZE = Gauge("mysql_group_members", "Members of the group, as this member sees it")
LAG = Gauge("mysql_member_lag_transactions", "Transactions received and not yet applied")
QUEUE = Gauge("mysql_member_queue_transactions", "Transactions waiting for certification")
WAITING = Gauge(
    "mysql_agent_waiting",
    "1 while the agent waits for this reason; attention: whether an operator has to look after it if it lasts",
    ["reason", "attention"],
)
FAILOVER = Gauge("mysql_member_became_primary_timestamp_seconds", "Unix time at which this member last became primary")
CERTIFICATE_END = Gauge(
    "mysql_member_certificate_not_after_timestamp_seconds",
    "Unix time at which the certificate that mysqld serves expires; NaN while it is unknown",
)
CERTIFICATE_END.set(float("nan"))  # a gauge begins with 0, which is 1970
VOLUME_SIZE = Gauge("mysql_member_volume_size_bytes", "Size of the member's volume")
VOLUME_AVAILABLE = Gauge("mysql_member_volume_available_bytes", "Room that is left on the member's volume")
BINLOGS = Gauge("mysql_member_binlogs_size_bytes", "Size of the member's binary logs")
ACTIONS = Counter("mysql_agent_actions_total", "Actions of the agent by result, done or failed", ["action", "result"])


def publish(status: Status) -> None:
    """Set the gauges of the member and the group."""
    for state in State:
        STATE.labels(state.value).set(state is status.state)
    PRIMARY.set(status.role == "primary")
    WRITABLE.set(status.writable)
    MEMBERS.set(sum(member.state is State.ONLINE for member in status.members))
    SIZE.set(len(status.members))
    LAG.set(status.lag)
    QUEUE.set(status.queue)


def measure_volume(directory: Path) -> None:
    """Publish size and room of the volume with this directory, measured at each scrape."""
    VOLUME_SIZE.set_function(lambda: shutil.disk_usage(directory).total)
    VOLUME_AVAILABLE.set_function(lambda: shutil.disk_usage(directory).free)


def set_waiting(reason: Reason | None) -> None:
    """Set the reason for which the agent waits, and remove the one before."""
    WAITING.clear()
    if reason:
        WAITING.labels(reason.value, str(reason.needs_attention).lower()).set(1)
