"""What the agent measures; docs/operations.md says which alert reads which."""

from prometheus_client import Counter, Gauge

from efishery_mysql_agent.model import State, Status

STATE = Gauge("mysql_member_state", "1 for the state that the member is in", ["state"])
PRIMARY = Gauge("mysql_member_primary", "1 where the member is the group's primary")
WRITABLE = Gauge("mysql_member_writable", "1 where the member takes writes")
MEMBERS = Gauge("mysql_group_members_online", "Members that are ONLINE, as this one sees it")
SIZE = Gauge("mysql_group_members", "Members of the group, as this one sees it")
LAG = Gauge("mysql_member_lag_transactions", "Transactions received and not yet applied")
QUEUE = Gauge("mysql_member_queue_transactions", "Transactions that wait for certification")
WAITING = Gauge("mysql_agent_waiting", "1 while the agent waits for something that may need an operator", ["what"])
FAILOVER = Gauge("mysql_member_became_primary_timestamp_seconds", "When this member last became the primary")
ACTIONS = Counter("mysql_agent_actions_total", "What the agent made the member do", ["action", "result"])


def tell(status: Status) -> None:
    """Set the gauges of a member."""
    for state in State:
        STATE.labels(state.value).set(state is status.state)
    PRIMARY.set(status.role == "primary")
    WRITABLE.set(status.writable)
    MEMBERS.set(sum(member.state is State.ONLINE for member in status.members))
    SIZE.set(len(status.members))
    LAG.set(status.lag)
    QUEUE.set(status.queue)


def waiting(what: str | None) -> None:
    """Say what the agent waits for, and nothing else."""
    WAITING.clear()
    if what:
        WAITING.labels(what).set(1)
