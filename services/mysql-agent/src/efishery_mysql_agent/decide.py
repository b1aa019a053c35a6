"""The rules: what an agent does next, as a pure function of what it observed.

                   ┌─ leaving ─────────────────────────────────▶ Leave, then Left
                   ├─ in a group, but the others say otherwise ▶ Restart
Observation ───────┼─ ONLINE, with the group's majority ───────▶ Serve
                   ├─ DOWN, RECOVERING, or without majority ───▶ Wait
                   └─ in no group ─┬─ a live group answers ────▶ Join, or Clone
                                   ├─ there never was a group ─▶ Bootstrap (one member, once)
                                   └─ all members were down ─┬─▶ Reboot, from the newest data
                                                             └─▶ all data lost: Wait for the operator, then Bootstrap
"""

from __future__ import annotations

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
from efishery_mysql_agent.model import (
    NO_LABELS,
    Labels,
    LeaseState,
    Observation,
    Role,
    State,
    Status,
    View,
)
from efishery_mysql_agent.reasons import Reason

UNKNOWN_GROUP = "unknown"  # value of the annotation start-empty where the Lease has no group
MAX_FAILED_RECOVERIES = 3  # in a row; then the member replaces its data by a clone


def decide(seen: Observation) -> Action:
    """Return what to do next."""
    if seen.leaving:
        return _leave(seen.me)
    match seen.me.state:
        case State.DOWN:
            return Wait(Reason.MYSQLD_DOWN)
        case State.ONLINE | State.RECOVERING if seen.hangs:
            return Restart()
        case State.ONLINE:
            return Serve() if seen.me.quorum else Wait(Reason.MAJORITY_LOST)
        case State.RECOVERING:
            return Wait(Reason.RECOVERING)
    return _enter(seen, seen.live) if seen.live else _without_group(seen)


def labels(seen: Observation) -> Labels:
    """Return the labels by which the Services select this member."""
    me = seen.me
    if not me.quorum or me.offline:
        return NO_LABELS
    if me.role is Role.PRIMARY:
        # A new primary is read-only until it has applied what it received. A leaving one keeps its label until
        # another member has the role. It serves reads only while there is no replica.
        alone = not [other for other in me.members if other.pod != me.pod and other.state is State.ONLINE]
        return Labels(Role.PRIMARY, reads=alone) if me.writable else NO_LABELS
    return NO_LABELS if seen.leaving else Labels(Role.REPLICA, reads=True)


def _leave(me: Status) -> Action:
    if me.state in (State.DOWN, State.OFFLINE):
        return Left()
    candidates = [m.pod for m in me.members if m.pod != me.pod and m.state is State.ONLINE]
    successor = min(candidates, default=None) if me.role is Role.PRIMARY and me.quorum else None
    return Leave(successor)


def _enter(seen: Observation, live: tuple[Status, ...]) -> Action:
    """Join the group that `live` are in."""
    me = seen.me
    # They are in one group, unless nobody knows which of two was started later.
    group = live[0].group
    if group is None:
        return Wait(Reason.GROUP_UNKNOWN, f"{live[0].pod} does not say yet in which group it is")
    if me.group not in (None, group) and (seen.lease is None or me.group not in seen.lease.former):
        detail = f"this member has data of group {me.group}, the live group is {group}"
        return Wait(Reason.DATA_OF_ANOTHER_GROUP, detail)
    if [peer for peer in live if me.pod in peer.view.members]:
        # The failure detector takes an early attempt to join for a sign of life of the suspected former process:
        # it would neither admit this one nor expel that one, and no new primary would be elected meanwhile.
        return Wait(Reason.NOT_YET_EXPELLED)
    if seen.errant and all(peer.queue for peer in live):
        return Wait(Reason.PEERS_LAG, f"no peer has received yet, or ever will: {seen.errant}")
    if not me.gtids or seen.errant or seen.failed_recoveries >= MAX_FAILED_RECOVERIES:
        return Clone(_donor(live), seen.errant)
    return Join(group, tuple(peer.pod for peer in live), max(peer.epoch for peer in live))


def _donor(live: tuple[Status, ...]) -> str:
    """A replica rather than the loaded primary; among replicas the one with the fewest transactions to apply."""
    return min(live, key=lambda peer: (peer.role is Role.PRIMARY, peer.lag, peer.pod)).pod


def _without_group(seen: Observation) -> Action:
    lease = seen.lease
    if lease is None:
        return Wait(Reason.LEASE_UNREADABLE)
    if lease.group and lease.formed:
        return _after_outage(seen, lease, lease.group)
    return _stored(seen, lease) or _first(seen, lease)


def _stored(seen: Observation, lease: LeaseState) -> Action | None:
    """Return what follows from a group that a member has stored and the Lease lacks, else None."""
    if seen.me.group:
        return Adopt(lease, seen.me.group)
    known = [peer.pod for peer in seen.peers if peer.group]
    return Wait(Reason.GROUP_NOT_RECORDED, f"{known[0]} writes its group into the Lease") if known else None


def _first(seen: Observation, lease: LeaseState) -> Action:
    """Neither the Lease nor any member has stored a group that was formed: start the first."""
    first = lease.claimer or f"{seen.me.pod.rpartition('-')[0]}-0"
    if seen.me.pod != first:
        return Wait(Reason.OTHER_MEMBER_STARTS, f"{first} bootstraps the group")
    if seen.without_proof and lease.start_empty != UNKNOWN_GROUP:
        pods = ", ".join(seen.without_proof)
        detail = f"{pods} does not answer, and may be of a group that the Lease has lost; {_gives_up(UNKNOWN_GROUP)}"
        return Wait(Reason.PEERS_MAY_HAVE_DATA, detail)
    return _start(seen, Bootstrap(lease, _next_epoch(seen, lease), lease.group))


def _gives_up(group: str) -> str:
    command = f"kubectl annotate --overwrite lease mysql mysql.efishery/start-empty={group}"
    return f"`{command}` gives such data up, and starts an empty group"


def _start(seen: Observation, start: Bootstrap | Reboot) -> Action:
    """Only the Lease's holder starts a group. Taking it fails if it was changed since it was read."""
    if start.lease.holder in (None, seen.me.pod):
        return start
    return Wait(Reason.LEASE_HELD, f"{start.lease.holder} starts the group")


def _views(seen: Observation, lease: LeaseState) -> list[View]:
    return [view for view in (lease.view, *(status.last_view for status in seen.answering.values())) if view]


def _next_epoch(seen: Observation, lease: LeaseState) -> int:
    """A Lease that was lost and made again does not know the epochs that the members have stored."""
    return 1 + max([lease.epoch, *(view.epoch for view in _views(seen, lease))])


def _after_outage(seen: Observation, lease: LeaseState, group: str) -> Action:
    """All members were down: start from the newest data, or empty where no member has any."""
    last = _last_members(seen, lease)
    if _all_data_lost(seen, last):
        return _start_empty(seen, lease, group, last)
    return _forced(seen, lease) if lease.force_reboot else _reboot(seen, lease, last)


def _reboot(seen: Observation, lease: LeaseState, last: list[str]) -> Action:
    """The member with the most transactions starts the group again."""
    obstacle = _obstacle(seen, last)
    if obstacle:
        return obstacle
    newest = _newest(seen, last)
    if newest is None:
        sets = "; ".join(f"{pod}: {seen.answering[pod].gtids}" for pod in last)
        return Wait(Reason.DATA_DIVERGED, f"no member has all transactions: {sets}")
    if newest != seen.me.pod:
        return Wait(Reason.OTHER_MEMBER_STARTS, f"{newest} has the most transactions")
    return _start(seen, Reboot(lease, _next_epoch(seen, lease)))


def _last_members(seen: Observation, lease: LeaseState) -> list[str]:
    """The members when the group ended: those of the view that the Lease or any member has stored and none supersedes.

    Of two views without an order, which agents without epochs have left behind, the members of both.
    """
    views = _views(seen, lease)
    latest = [view for view in views if not any(other.supersedes(view) for other in views)]
    return sorted({pod for view in latest for pod in view.members}) or [seen.me.pod]


def _all_data_lost(seen: Observation, last: list[str]) -> bool:
    """Whether all members of the last view answer, and no member that answers has any transaction."""
    answering = seen.answering
    empty = all(status.state is not State.DOWN and not status.gtids for status in answering.values())
    return empty and all(pod in answering for pod in last)


def _start_empty(seen: Observation, lease: LeaseState, group: str, last: list[str]) -> Action:
    """Start an empty group: without volumes always, with volumes only if an operator has given up the data."""
    if not seen.ephemeral and lease.start_empty != group:
        return Wait(Reason.ALL_DATA_LOST, f"no member has any data; {_gives_up(group)}")
    if seen.me.pod != last[0]:
        return Wait(Reason.OTHER_MEMBER_STARTS, f"{last[0]} starts an empty group")
    return _start(seen, Bootstrap(lease, _next_epoch(seen, lease)))


def _obstacle(seen: Observation, last: list[str]) -> Wait | None:
    """Return what keeps the group of the last view from being started again, else None."""
    members = [seen.answering.get(pod, Status(pod)) for pod in last]
    down = [status.pod for status in members if status.state is State.DOWN]
    if down:
        return Wait(Reason.MEMBER_MISSING, f"{', '.join(down)} of the last view does not answer")
    empty = [status.pod for status in members if not status.gtids]
    if empty:
        return Wait(Reason.DATA_LOST, f"{', '.join(empty)} is empty, and may have had the latest transactions")
    busy = [status.pod for status in members if status.state not in (State.OFFLINE, State.ERROR)]
    if busy:
        return Wait(Reason.GROUP_NOT_ENDED, f"{', '.join(busy)} has not noticed yet that the group is gone")
    return None


def _newest(seen: Observation, last: list[str]) -> str | None:
    """The first member of the last view that has all transactions of all of them."""
    complete = (pod for pod in last if all(pod == other or (other, pod) in seen.contained for other in last))
    return next(complete, None)


def _forced(seen: Observation, lease: LeaseState) -> Action:
    """An operator named the member that starts the group again, whatever the others have."""
    me = seen.me
    if lease.force_reboot not in seen.answering:
        detail = f"{lease.force_reboot}, which the Lease's annotation force-reboot names, does not answer"
        return Wait(Reason.MEMBER_MISSING, detail)
    if lease.force_reboot != me.pod:
        return Wait(Reason.OTHER_MEMBER_STARTS, f"{lease.force_reboot}, as the Lease's annotation force-reboot asks")
    if not me.gtids:
        return Wait(Reason.FORCED_WITHOUT_DATA, "the Lease's annotation force-reboot names this member")
    return _start(seen, Reboot(lease, _next_epoch(seen, lease), forced=True))
