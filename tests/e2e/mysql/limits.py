"""The limits of the tests, each once and with its reason. Times in seconds, shares between 0 and 1."""

from dataclasses import dataclass

# Group Replication notices a killed member after 5 s; the election, the labels and new connections take the rest.
FAILOVER_SECONDS = 10
# A member that stops responding is expelled after 5 s, or when suspicions are checked the next time, 15 s later.
UNRESPONSIVE_SECONDS = 20
# After the loss of the majority the containers restart, InnoDB recovers, and the agents start the group again.
OUTAGE_SECONDS = 120
# A lost replica costs its readers one timeout (2 s); the other readers have connections to other replicas.
READ_GAP_SECONDS = 2
# The lost member restarts, joins, and clones a donor where its own data is gone or diverged.
RECOVERY_SECONDS = 240
# While a primary is lost, every registration may fail; the load lasts 90 s or more.
FAILED_REGISTRATIONS = FAILOVER_SECONDS / 90
# A commit can wait, longer than auth does, for a member that joins.
FAILED_REGISTRATIONS_JOINING = 0.03
# Logins read replicas: only those that the lost member is answering can fail, on eight connections; of 2,400.
FAILED_LOGINS = 8 / 2400
# auth waits 3 s for a connection of its pool (pool_timeout), then 4 s for MySQL's answer (read timeout of the driver).
REQUEST_SECONDS = 3 + 4
# auth's circuit breaker makes a trial call within a second, and that call may wait 3 s for a connection.
BREAKER_SECONDS = 1 + 3

# mysqld checks once a minute whether a full disk has room again (MySQL manual, "How MySQL Handles a Full Disk").
DISK_RETRY_SECONDS = 60


@dataclass(frozen=True)
class Limits:
    """What one fault may cost, in seconds; None is no limit."""

    write_gap: float
    read_gap: float | None = READ_GAP_SECONDS
    recovery: float = RECOVERY_SECONDS


FAILOVER = Limits(FAILOVER_SECONDS)
UNRESPONSIVE = Limits(UNRESPONSIVE_SECONDS)
# The tests' tables are small: an empty member has cloned them sooner than RECOVERY_SECONDS.
CLONE = Limits(FAILOVER_SECONDS, recovery=120)
# Without a majority, no replica serves reads.
OUTAGE = Limits(OUTAGE_SECONDS, read_gap=None)
